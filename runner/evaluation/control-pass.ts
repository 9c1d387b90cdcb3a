/**
 * Controls: what the same measurement gives where the answer is known, or where nothing was learned. They are measured
 * in the pass that measures the SAEs, on its last rows; what they must be fitted to are the rows before.
 *
 * - identity: x̂ = x, the ceiling of every reconstruction;
 * - pca: the k principal components of the residual, k the SAE's L0, mean added;
 * - untrained: a TopK SAE of the same shape and L0 as it is before its first step: random unit decoder rows, the
 *   encoder their transpose, b_dec the mean;
 * - permuted_decoder: the SAE's own latents, decoded with its rows in another order.
 *
 * Cost: for each control what an SAE costs, on the share of rows that are controlled.
 */
import type { TokenBatch } from '../lm/language-model.ts';
import { lossCount } from '../lm/language-model.ts';
import type { Branch, Observer } from '../lm/sweep.ts';
import { random, shuffle } from '../math/random.ts';
import { type HookStatistics, type HookTables, hookStatistics } from '../metrics/hook-statistics.ts';
import type { Device } from '../onnx/devices.ts';
import type { ReconstructionControl } from '../report/schema.ts';
import { type OpenSae, openSae } from '../sae/open-sae.ts';
import { topKSae } from '../sae/sae.ts';
import type { HookSaes } from './observation.ts';
import { fitPca, project } from './pca.ts';

/** Floats of residuals kept to fit on, a hook (64 MiB). */
const FIT_LIMIT = 16 << 20;
/** Tokens the L0 of an SAE without a fixed one is taken over. */
const L0_TOKENS = 1_024;
/** Floats of an untrained SAE's encoder (256 MiB); above it the control is left out, with the reason. */
const UNTRAINED_LIMIT = 64 << 20;

export interface Control {
  name: ReconstructionControl;
  /** Numbers of the SAEs at the hook that it is a control of. */
  of: readonly number[];
  /** Components, or active latents a token. */
  k: number | null;
}

export interface ControlsMeasured {
  layer: number;
  /** The rows controlled are the last ones, from this one on. */
  firstRow: number;
  /** Tokens of rows before it that were kept for fitting. */
  fitTokens: number;
  /** In the order of `tables.saes` and of `losses`. */
  controls: readonly Control[];
  tables: HookTables;
  /** Sum of cross entropy of each controlled row. */
  losses: readonly Float64Array[];
  /** Controls that could not be made, with the reason. */
  leftOut: readonly { control: ReconstructionControl; reason: string }[];
}

export interface ControlOptions {
  /** Tokens to control, rounded down to whole batches and leaving at least one batch to fit on. */
  tokens: number;
  seed: number;
  device?: Device;
  threads?: number;
}

interface Reconstructor extends Control {
  reconstruct(x: Float32Array, tokens: number): Promise<Float32Array>;
  close?(): Promise<void>;
}

interface HookState {
  fit: Float32Array[];
  fitTokens: number;
  made: { controls: readonly Reconstructor[]; statistics: HookStatistics; losses: number[][] } | undefined;
  leftOut: { control: ReconstructionControl; reason: string }[];
}

export interface ControlPass {
  observer: Observer;
  /** After the sweep. */
  measured(): ControlsMeasured[];
  close(): Promise<void>;
}

/** Null where the text is too short for a batch to fit on and one to control. */
export function controlPass(
  d: number,
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  options: ControlOptions,
): ControlPass | null {
  const start = firstControlled(batches, options.tokens);
  if (start === null) return null;
  const firstRow = batches.slice(0, start).reduce((sum, { rows }) => sum + rows, 0);
  const state = hooks.map((): HookState => ({ fit: [], fitTokens: 0, made: undefined, leftOut: [] }));

  /** The controls of a hook, made when the first controlled batch arrives. */
  async function make(hook: number): Promise<NonNullable<HookState['made']>> {
    const here = state[hook]!;
    const fit = joined(here.fit, here.fitTokens * d);
    here.fit = [];
    const controls = await controlsOf(hooks[hook]!, fit, d, here.leftOut, options);
    return {
      controls,
      statistics: hookStatistics(
        d,
        controls.map(() => null),
      ),
      losses: controls.map(() => []),
    };
  }

  const observer: Observer = {
    async see({ hook, index, batch, residual }) {
      const here = state[hook]!;
      if (index < start) {
        const room = Math.floor(FIT_LIMIT / d) - here.fitTokens;
        const taken = Math.min(room, batch.rows * batch.tokens);
        if (taken > 0) {
          here.fit.push(residual.slice(0, taken * d));
          here.fitTokens += taken;
        }
        return [];
      }
      here.made ??= await make(hook);
      const { controls, statistics, losses } = here.made;
      const outputs: Float32Array[] = [];
      for (const control of controls)
        outputs.push(await control.reconstruct(residual, batch.rows * batch.tokens));
      for (let row = 0; row < batch.rows; row++) {
        const [from, to] = [row * batch.tokens * d, (row + 1) * batch.tokens * d];
        statistics.add(
          { x: residual.subarray(from, to), tokens: batch.tokens, pass: index },
          outputs.map((each) => ({ reconstruction: each.subarray(from, to) })),
        );
      }
      return outputs.map(
        (each, i): Branch => ({
          residual: each,
          ended: ({ nll }) => losses[i]!.push(...rowSums(nll, batch)),
        }),
      );
    },
  };

  return {
    observer,
    measured: () =>
      state.map(({ made, leftOut, fitTokens }, hook) => {
        if (made === undefined) throw new TypeError('controls are asked for before the sweep');
        return {
          layer: hooks[hook]!.layer,
          firstRow,
          fitTokens,
          controls: made.controls.map(({ name, of, k }) => ({ name, of, k })),
          tables: made.statistics.tables(),
          losses: made.losses.map((sums) => Float64Array.from(sums)),
          leftOut,
        };
      }),
    async close() {
      for (const { made } of state) for (const control of made?.controls ?? []) await control.close?.();
    },
  };
}

/** Number of the first batch that is controlled. */
function firstControlled(batches: readonly TokenBatch[], tokens: number): number | null {
  let start = batches.length;
  let taken = 0;
  while (start > 1) {
    const { rows, tokens: width } = batches[start - 1]!;
    if (taken + rows * width > tokens) break;
    taken += rows * width;
    start--;
  }
  return start < batches.length ? start : null;
}

async function controlsOf(
  { layer, saes }: HookSaes,
  fit: Float32Array,
  d: number,
  leftOut: HookState['leftOut'],
  options: ControlOptions,
): Promise<Reconstructor[]> {
  const all = saes.map((_, i) => i);
  const controls: Reconstructor[] = [
    { name: 'identity', of: all, k: null, reconstruct: async (x) => x.slice() },
  ];
  const ks: number[] = [];
  for (const sae of saes) ks.push(await activeLatents(sae, fit, d));
  for (const k of new Set(ks)) {
    const count = Math.min(k, d);
    const of = all.filter((i) => ks[i] === k);
    const pca = fitPca(fit, d, count);
    controls.push({ name: 'pca', of, k: count, reconstruct: async (x) => project(pca, x) });
  }
  for (const [shape, of] of grouped(all, (i) => `${saes[i]!.d_sae} ${ks[i]}`)) {
    const { d_sae } = saes[of[0]!]!;
    if (d_sae * d > UNTRAINED_LIMIT) {
      const reason = `an untrained SAE of ${d_sae} latents × ${d} is above the limit of ${UNTRAINED_LIMIT} weights`;
      leftOut.push({ control: 'untrained', reason });
      continue;
    }
    const k = ks[of[0]!]!;
    const sae = await untrained(d_sae, k, fit, d, `${options.seed} ${layer} ${shape}`, options);
    controls.push({
      name: 'untrained',
      of,
      k,
      reconstruct: async (x, tokens) => (await sae.reconstruct(x, tokens)).reconstruction,
      close: () => sae.close(),
    });
  }
  for (const [i, sae] of saes.entries()) {
    const order = Int32Array.from({ length: sae.d_sae }, (_, latent) => latent);
    shuffle(order, random('permuted decoder', options.seed, layer, i));
    controls.push({
      name: 'permuted_decoder',
      of: [i],
      k: ks[i]!,
      async reconstruct(x, tokens) {
        const latents = await sae.encode(x, tokens);
        const indices = latents.indices.map((latent) => order[latent]!);
        return sae.decode({ ...latents, indices }, tokens, x);
      },
    });
  }
  return controls;
}

/** The SAE's L0, as a whole number: its k, or the mean over some tokens. */
async function activeLatents(sae: OpenSae, fit: Float32Array, d: number): Promise<number> {
  if (sae.k !== null) return sae.k;
  const tokens = Math.min(L0_TOKENS, fit.length / d);
  const { values } = await sae.encode(fit.subarray(0, tokens * d), tokens);
  let active = 0;
  for (const value of values) if (value !== 0) active++;
  return Math.max(1, Math.min(sae.d_sae, Math.round(active / tokens)));
}

async function untrained(
  d_sae: number,
  k: number,
  fit: Float32Array,
  d: number,
  key: string,
  { device, threads }: ControlOptions,
): Promise<OpenSae> {
  const stream = random('untrained', key);
  const W_dec = new Float32Array(d_sae * d);
  const W_enc = new Float32Array(d_sae * d);
  const row = new Float64Array(d);
  for (let latent = 0; latent < d_sae; latent++) {
    let squared = 0;
    for (let i = 0; i < d; i++) {
      row[i] = stream.gaussian();
      squared += row[i]! ** 2;
    }
    const norm = Math.sqrt(squared);
    for (let i = 0; i < d; i++) {
      W_dec[latent * d + i] = row[i]! / norm;
      W_enc[i * d_sae + latent] = row[i]! / norm;
    }
  }
  const b_dec = new Float32Array(d);
  const mean = new Float64Array(d);
  for (let at = 0; at < fit.length; at++) mean[at % d]! += (fit[at]! * d) / fit.length;
  b_dec.set(mean);
  const sae = topKSae({ d_in: d, d_sae, k, W_enc, W_dec, b_enc: new Float32Array(d_sae), b_dec });
  return openSae(sae, {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
}

function grouped(items: readonly number[], key: (item: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  const whole = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function rowSums(nll: Float32Array, batch: TokenBatch): number[] {
  return Array.from({ length: batch.rows }, (_, row) => {
    let sum = 0;
    const from = row * batch.tokens;
    for (let i = from; i < from + lossCount(batch, row); i++) sum += nll[i]!;
    return sum;
  });
}
