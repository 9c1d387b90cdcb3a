/** Rotary positions as config.json files describe them: three generations of field names, seven kinds of scaling. */
import { z } from 'zod';
import { quote } from '../../errors.ts';
import type { Rotary } from '../blocks/rotary.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { size } from './family.ts';
import { unsupported } from './keys.ts';

const positive = z.number().positive();
const factors = z.array(positive).max(4096);

export const ropeSettings = z.object({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.optional(),
  partial_rotary_factor: positive.max(1).optional(),
  factor: positive.nullish(),
  original_max_position_embeddings: size.nullish(),
  attention_factor: positive.nullish(),
  // llama3
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  // yarn
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().nullish(),
  // longrope
  short_factor: factors.nullish(),
  long_factor: factors.nullish(),
});

/** Keys of a config.json that say how positions turn. An older writer's `rope_scaling` stands for `rope_parameters`. */
export const ropeFields = {
  // Looked at where the settings themselves have none.
  rope_theta: z.unknown().optional(),
  partial_rotary_factor: z.unknown().optional(),
  rope_scaling: ropeSettings.nullish(),
  rope_parameters: ropeSettings.nullish(),
  original_max_position_embeddings: size.optional(),
};

/** The same for families that turn a part of each head where a config asks for it. */
export const partialRopeFields = { ...ropeFields, partial_rotary_factor: positive.max(1).optional() };

export type RopeSettings = z.infer<typeof ropeSettings>;
export type RopeFields = z.infer<z.ZodObject<typeof ropeFields>>;

export interface RopeSizes {
  headSize: number;
  contextLength: number;
}

export interface RopeDefaults {
  /** Base where the config has none. */
  theta?: number;
  /** Share of each head that turns where the settings do not say; of families that always turn whole heads: none. */
  partial?: number;
  /** Whether that part must be of pairs, in families for which transformers rounds nothing. */
  pairs?: boolean;
}

/** The set of settings that counts: older writers' `rope_scaling` unless it is empty. */
export function ropeGiven(config: RopeFields): RopeSettings {
  const { rope_scaling: scaling, rope_parameters: parameters } = config;
  return (scaling != null && Object.keys(scaling).length > 0 ? scaling : parameters) ?? {};
}

/** The rotary positions of a config whose layers all turn alike. */
export function readRotary(
  checkpoint: Checkpoint,
  config: RopeFields,
  sizes: RopeSizes,
  defaults: RopeDefaults = {},
): Rotary {
  for (const field of ['rope_scaling', 'rope_parameters'] as const) {
    const kinds = Object.entries(checkpoint.config[field] ?? {}).filter(([, value]) => isObject(value));
    if (kinds.length === 0) continue;
    const found = `one set each for ${kinds.map(([kind]) => kind).join(', ')}`;
    throw unsupported(checkpoint, field, found, 'one set for all layers');
  }
  const given = ropeGiven(config);
  const partial = partialOf(checkpoint, given, defaults);
  const turned = Math.trunc(sizes.headSize * partial);
  if (defaults.pairs && turned % 2 === 1) {
    throw unsupported(checkpoint, 'rotary positions', `${turned} turned numbers per head`, 'an even number');
  }
  return rotaryOf(
    checkpoint,
    {
      ...given,
      rope_theta: given.rope_theta ?? readTheta(checkpoint, config.rope_theta) ?? defaults.theta ?? 10_000,
      partial_rotary_factor: partial,
      original_max_position_embeddings:
        config.original_max_position_embeddings ?? given.original_max_position_embeddings,
    },
    sizes,
  );
}

function readTheta(checkpoint: Checkpoint, found: unknown): number | undefined {
  if (found === undefined || (typeof found === 'number' && found > 0)) return found;
  throw unsupported(checkpoint, 'rope_theta', quote(JSON.stringify(found)), 'a positive number');
}

/**
 * Plain positions turn whole heads whatever the factor, in families that have no partial ones; scaled positions by the factor
 * do not fit such heads, and transformers fails.
 */
export function partialOf(
  checkpoint: Checkpoint,
  given: RopeSettings,
  { partial }: Pick<RopeDefaults, 'partial'> = {},
): number {
  if (partial !== undefined) return given.partial_rotary_factor ?? partial;
  const factor = given.partial_rotary_factor ?? checkpoint.config.partial_rotary_factor ?? 1;
  if (kindOf(given) === 'proportional') return given.partial_rotary_factor ?? 1;
  if (factor === 1 || kindOf(given) === 'default') return 1;
  throw unsupported(checkpoint, 'partial_rotary_factor', JSON.stringify(factor), '1 (whole heads) here');
}

export function kindOf(rope: RopeSettings): string {
  return rope.rope_type ?? rope.type ?? 'default';
}

/** Whether a kind of scaling goes out from the context that a model was first trained with: its own where none is given. */
export function countsFrom(kind: string): boolean {
  return ['llama3', 'yarn', 'longrope'].includes(kind);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Frequencies by the rules of transformers' modeling_rope_utils, each step rounded to float32 as it does, so that
 * positions far into a long context turn by the same angle.
 *
 * @throws UserError for a kind of scaling that is not one of those known
 */
export function rotaryOf(checkpoint: Checkpoint, rope: RopeSettings, sizes: RopeSizes): Rotary {
  const kind = kindOf(rope);
  if (kind === 'proportional') return proportional(rope, sizes.headSize);
  const turned = Math.trunc(sizes.headSize * (rope.partial_rotary_factor ?? 1));
  // An odd part is rounded up to pairs, which a whole head has no room for.
  const pairs = Math.ceil(turned / 2);
  if (turned < 1 || 2 * pairs > sizes.headSize) {
    throw unsupported(checkpoint, 'rotary positions', `${turned} turned numbers per head`, 'an even number');
  }
  const theta = rope.rope_theta ?? 10_000;
  const periods = Float32Array.from({ length: pairs }, (_, i) => theta ** Math.fround((2 * i) / turned));
  const plain = periods.map((period) => 1 / period);
  const need = (field: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number => {
    const value = rope[field];
    if (value == null) throw unsupported(checkpoint, `rope scaling ${kind}`, `no ${field}`, `a ${field}`);
    return value;
  };
  const original = rope.original_max_position_embeddings ?? sizes.contextLength;
  if (countsFrom(kind) && rope.original_max_position_embeddings === null) {
    const found = 'original_max_position_embeddings null';
    throw unsupported(checkpoint, `rope scaling ${kind}`, found, 'a number, or none');
  }
  switch (kind) {
    case 'default':
      return { frequencies: plain, factor: 1 };
    // Dynamic scaling (NTK by length) begins beyond the context length, and longer rows are refused.
    case 'dynamic':
      need('factor');
      return { frequencies: plain, factor: 1 };
    case 'linear':
      return { frequencies: plain.map((frequency) => frequency / need('factor')), factor: 1 };
    case 'llama3': {
      const scaling = {
        factor: need('factor'),
        low: need('low_freq_factor'),
        high: need('high_freq_factor'),
      };
      return { frequencies: llama3(plain, { ...scaling, original }), factor: 1 };
    }
    case 'yarn':
      // Null is the ratio of the contexts; transformers asks for the key itself.
      if (rope.factor === undefined) need('factor');
      return yarn(rope, periods, {
        theta,
        turned,
        original,
        factor: rope.factor ?? sizes.contextLength / original,
      });
    case 'longrope':
      return longRope(checkpoint, rope, periods, original, sizes.contextLength);
    default:
      throw unsupported(
        checkpoint,
        'rope_type',
        JSON.stringify(kind),
        'default, linear, dynamic, llama3, yarn, longrope or proportional',
      );
  }
}

/** The first pairs of a head turn at the speeds that they have in a head that turns whole, the others not (Gemma 4). */
function proportional(rope: RopeSettings, headSize: number): Rotary {
  const turned = Math.floor(((rope.partial_rotary_factor ?? 1) * headSize) / 2);
  const theta = rope.rope_theta ?? 10_000;
  const frequencies = Float32Array.from({ length: Math.floor(headSize / 2) }, (_, i) =>
    i < turned ? Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headSize))) : 0,
  );
  return { frequencies: frequencies.map((each) => each / (rope.factor ?? 1)), factor: 1 };
}

/** Slow turns divided by the factor, fast ones kept, those between interpolated (Llama 3.1). */
function llama3(
  plain: Float32Array,
  { factor, low, high, original }: { factor: number; low: number; high: number; original: number },
): Float32Array {
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < original / high) return frequency;
    if (wavelength > original / low) return frequency / factor;
    const smooth = (original / wavelength - low) / (high - low);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}

/** YaRN (Peng et al. 2023): a ramp from kept to divided frequencies, and a factor that sharpens attention. */
function yarn(
  rope: RopeSettings,
  periods: Float32Array,
  { theta, turned, original, factor }: { theta: number; turned: number; original: number; factor: number },
): Rotary {
  const sharpen = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const { mscale, mscale_all_dim: mscaleAll } = rope;
  const attention = mscale && mscaleAll ? sharpen(mscale) / sharpen(mscaleAll) : sharpen(1);
  const pairOf = (turns: number): number =>
    (turned * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const whole = rope.truncate ?? true;
  const fast = pairOf(rope.beta_fast || 32);
  const slow = pairOf(rope.beta_slow || 1);
  const low = Math.max(whole ? Math.floor(fast) : fast, 0);
  const top = Math.min(whole ? Math.ceil(slow) : slow, turned - 1);
  const high = top === low ? top + 0.001 : top;
  const frequencies = periods.map((period, i) => {
    const divided = Math.min(Math.max((i - low) / (high - low), 0), 1);
    return divided / (factor * period) + (1 - divided) / period;
  });
  return { frequencies, factor: rope.attention_factor ?? attention };
}

/** LongRoPE (Ding et al. 2024): one set of factors for rows within the original context, another for longer ones. */
function longRope(
  checkpoint: Checkpoint,
  rope: RopeSettings,
  periods: Float32Array,
  original: number,
  contextLength: number,
): Rotary {
  const scaled = (field: 'short_factor' | 'long_factor'): Float32Array => {
    const by = rope[field] ?? [];
    if (by.length !== periods.length) {
      throw unsupported(checkpoint, `rope ${field}`, `${by.length} numbers`, `${periods.length}`);
    }
    return periods.map((period, i) => 1 / (Math.fround(by[i]!) * period));
  };
  const factor = rope.factor ?? contextLength / original;
  const attention = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
  return {
    frequencies: scaled('short_factor'),
    long: { frequencies: scaled('long_factor'), above: original },
    factor: rope.attention_factor ?? attention,
  };
}
