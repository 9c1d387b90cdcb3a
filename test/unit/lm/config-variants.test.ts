/** What transformers makes of config.json files (test/fixtures/lm/variants): the same number here, or a refusal. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InterpboardError } from '../../../runner/errors.ts';
import { sha256 } from '../../../runner/io/hash.ts';
import { type Checkpoint, openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { families, familyOf } from '../../../runner/lm/families/index.ts';
import { unknownKeys } from '../../../runner/lm/families/keys.ts';
import { buildSegments, segmentsOf } from '../../../runner/lm/segments.ts';
import type { TensorPlace } from '../../../runner/lm/stored-tensors.ts';
import { floatsOf, int32, openSession } from '../../../runner/onnx/session.ts';
import { SPREADS } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
const names = readdirSync(`${fixtures}variants`).flatMap((file) => /^(.*)\.json$/.exec(file)?.slice(1) ?? []);

type Config = Record<string, unknown>;
const record = z.record(z.string(), z.unknown());
const weightsSchema = z.object({
  rename: z.array(z.tuple([z.string(), z.string()])).default([]),
  drop: z.array(z.string()).default([]),
  add: z.record(z.string(), z.string()).default({}),
});
const variantSchema = z.object({
  set: record.default({}),
  unset: z.array(z.string()).default([]),
  weights: weightsSchema.optional(),
  loss: z.number().optional(),
  error: z.string().optional(),
});
type Variant = z.infer<typeof variantSchema>;
const tableSchema = z.object({
  folder: z.string(),
  weights: weightsSchema,
  config: record,
  rows: z.array(z.array(z.int())),
  fields: z.array(z.string()),
  reads: z.array(z.string()),
  loss: z.number(),
  spread: z.number(),
  variants: z.array(variantSchema),
});

function read(name: string): z.infer<typeof tableSchema> {
  return tableSchema.parse(JSON.parse(readFileSync(`${fixtures}variants/${name}.json`, 'utf8')));
}

function changedConfig(config: Config, { set, unset }: Variant): Config {
  const changed = structuredClone(config);
  const at = (path: string): [Config, string] => {
    const parts = path.split('.');
    let place = changed;
    for (const part of parts.slice(0, -1)) place = place[part] as Config;
    return [place, parts.at(-1)!];
  };
  for (const path of unset) {
    const [place, key] = at(path);
    delete place[key];
  }
  for (const [path, value] of Object.entries(set)) {
    const [place, key] = at(path);
    place[key] = value;
  }
  return changed;
}

type Tensors = ReadonlyMap<string, TensorPlace>;

function changedTensors(tensors: Tensors, change: z.infer<typeof weightsSchema>, extra: Tensors): Tensors {
  const renamed = [...tensors]
    .filter(([name]) => !change.drop.includes(name))
    .map(([name, place]): [string, TensorPlace] => [
      change.rename.reduce((found, [pattern, to]) => found.replace(new RegExp(pattern), to), name),
      place,
    ]);
  const added = Object.entries(change.add).map(([name, key]): [string, TensorPlace] => [
    name,
    extra.get(key)!,
  ]);
  return new Map([...renamed, ...added]);
}

const within = (tensors: Tensors, folder: string): Tensors =>
  new Map([...tensors].map(([name, place]) => [name, { ...place, file: `${folder}/${place.file}` }]));

/** The mean loss of a checkpoint over padded rows; programs that are the same byte for byte are run once. */
async function meanLoss(
  checkpoint: Checkpoint,
  rows: readonly number[][],
  known: Map<string, number>,
): Promise<number> {
  const family = familyOf(checkpoint);
  const tokens = Math.max(...rows.map(({ length }) => length));
  if (tokens > family.contextLength) throw new Error('rows longer than the context');
  const options = { segments: segmentsOf(family.blocks, []), maxTokens: tokens, logits: false };
  const [program] = buildSegments(checkpoint, family, options);
  const key = sha256(program!.bytes);
  const found = known.get(key);
  if (found !== undefined) return found;
  const ids = new Int32Array(rows.length * tokens);
  const targets = new Int32Array(rows.length * tokens).fill(-1);
  rows.forEach((row, r) => {
    ids.set(row, r * tokens);
    targets.set(row.slice(1), r * tokens);
  });
  const session = await openSession(program!, { folder: checkpoint.weightsFolder, threads: 1 });
  const outputs = await session
    .run({ ids: int32(ids, [rows.length, tokens]), targets: int32(targets, [targets.length, 1]) })
    .finally(() => session.close());
  const counted = rows.reduce((sum, { length }) => sum + length - 1, 0);
  const mean = floatsOf(outputs, 'nll').reduce((sum, loss) => sum + loss, 0) / counted;
  known.set(key, mean);
  return mean;
}

/**
 * Keys that are refused by name though transformers makes a number: rows that see what follows them, weights that a
 * quantised model has lost, and code that is not transformers'.
 */
const BY_NAME = ['is_causal', 'quantization_config', 'auto_map'];
const isByName = ({ set }: Variant): boolean =>
  Object.keys(set).some((path) => BY_NAME.includes(path.replace('text_config.', '')));

interface Counts {
  equal: number;
  refusedByBoth: number;
  refusedHere: number;
  refusedByName: number;
  wrong: number;
}
const counts = new Map<string, Counts>();
const refused: string[] = [];
afterAll(() => {
  const all = [...counts.values()];
  const total = (key: keyof Counts): number => all.reduce((sum, count) => sum + count[key], 0);
  const keys = ['equal', 'refusedByBoth', 'refusedHere', 'refusedByName', 'wrong'] as const;
  const lines = [...counts].map(([name, count]) => `${name} | ${keys.map((key) => count[key]).join(' | ')}`);
  const sum = `all | ${keys.map(total).join(' | ')}`;
  console.log(
    [
      '',
      'family | equal | refused by both | refused here only | refused here by name | wrong',
      ...lines,
      sum,
      ...refused,
    ].join('\n'),
  );
});

const described = ({ set, unset, weights }: Variant): string => JSON.stringify({ set, unset, weights });

describe('a changed config.json gives the loss that transformers gives, or is refused', () => {
  it.each(names)('%s', { timeout: 600_000 }, async (name) => {
    const table = read(name);
    const opened = await openCheckpoint(`${fixtures}${table.folder}`);
    const extra = await openCheckpoint(`${fixtures}variants/extra`);
    const heads = within(extra.tensors, 'variants/extra');
    const base = changedTensors(within(opened.tensors, table.folder), table.weights, heads);
    const known = new Map<string, number>();
    const count: Counts = { equal: 0, refusedByBoth: 0, refusedHere: 0, refusedByName: 0, wrong: 0 };
    const wrong: string[] = [];
    const plain = variantSchema.parse({ loss: table.loss });
    for (const variant of [plain, ...table.variants]) {
      const tensors = variant.weights === undefined ? base : changedTensors(base, variant.weights, heads);
      const config = changedConfig(table.config, variant);
      const checkpoint: Checkpoint = { ...opened, config, tensors, weightsFolder: fixtures };
      let found: number | InterpboardError;
      try {
        found = await meanLoss(checkpoint, table.rows, known);
      } catch (error) {
        if (!(error instanceof InterpboardError)) throw new Error(described(variant), { cause: error });
        found = error;
      }
      if (typeof found !== 'number') {
        if (variant.loss === undefined) count.refusedByBoth += 1;
        else if (isByName(variant)) count.refusedByName += 1;
        else {
          count.refusedHere += 1;
          refused.push(`${name} ${described(variant)}: ${found.message.slice(0, 200)}`);
        }
      } else if (variant.loss !== undefined && Math.abs(found - variant.loss) <= SPREADS * table.spread)
        count.equal += 1;
      else {
        count.wrong += 1;
        wrong.push(`${described(variant)}: found ${found}, expected ${variant.loss ?? variant.error}`);
      }
    }
    counts.set(name, count);
    expect(wrong).toEqual([]);
    expect(count.equal).toBeGreaterThan(10);
  });

  it('in all refuses few that transformers runs', () => {
    // Run by name, one family alone says nothing of all.
    if (counts.size < names.length) return;
    const sum = (key: keyof Counts): number =>
      [...counts.values()].reduce((all, count) => all + count[key], 0);
    const known = sum('equal') + sum('refusedByBoth') + sum('refusedHere') + sum('refusedByName');
    expect(known).toBeGreaterThan(2000);
    expect(sum('refusedHere')).toBeLessThan(1.5 * names.length);
    // Listed for every family: four values each at most.
    expect(sum('refusedByName')).toBeLessThanOrEqual(4 * names.length);
  });
});

describe('every key of a config class in transformers is read, without effect, or refused but for some values', () => {
  // Of a multimodal config the text part's class, which is a table of its own.
  const classes = names.filter((name) => name in families && !('text_config' in read(name).config));
  it.each(classes)('%s', (name) => {
    const { keys } = families[name]!;
    const { fields, config } = read(name);
    const lists = [keys.read, keys.withoutEffect, keys.fixed];
    for (const field of fields) {
      const holding = lists.filter((list) => Object.hasOwn(list, field));
      expect(holding.length, `${field} is in so many lists`).toBe(1);
    }
    expect(unknownKeys(config, keys).filter((key) => fields.includes(key))).toEqual([]);
    expect(unknownKeys({ ...config, unheard_of: 1 }, keys)).toContain('unheard_of');
  });

  it('transformers asks any config for no other key that could be in a file', () => {
    // Of the class's own machinery: methods, class attributes, and parts of multimodal and other models.
    const known = new Set([...names.flatMap((name) => read(name).fields), ...asked]);
    for (const name of classes) {
      const { keys } = families[name]!;
      const open = read(name).reads.filter(
        (key) => !known.has(key) && unknownKeys({ [key]: 1 }, keys).length > 0,
      );
      expect(open, name).toEqual([]);
    }
  });
});

/** Attributes that transformers asks configs for and that say nothing of the arithmetic of these families. */
const asked = [
  ...[
    'text_config',
    'decoder',
    'generator',
    'fusion_config',
    'get_text_config',
    'sub_configs',
    'sub_configs_defaults',
  ],
  ...['vision_aspect_ratio', 'vision_feature_layer', 'vision_feature_select_strategy', 'vision_config'],
  ...['name_or_path', 'output_attentions', 'output_loading_info', 'gradient_checkpointing', 'num_labels'],
  ...[
    'attn_implementation',
    'transformers_weights',
    'transformers_version',
    'is_heterogeneous',
    'mtp_layer_types',
    'mlp_layer_types',
  ],
  ...[
    'base_model_ep_plan',
    'base_model_fsdp_plan',
    'base_model_pp_plan',
    'base_model_tp_plan',
    'kv_sharing_modes',
  ],
  ...['to_dict', 'to_diff_dict', 'to_json_string', 'dict_dtype_to_str', 'default_config_fields'],
  // Of configs with other sizes for some layers.
  ...[
    'allow_global_per_layer_attribute_access',
    'per_layer_attributes',
    'serialize_explicit_per_layer_config',
  ],
  ...['output_cross_attentions', 'num_heads', 'number_of_conv_states'],
  ...['convert_rope_params_to_dict', 'standardize_rope_params', 'nested_rope_parameter_keys'],
  ...['ignore_keys_at_rope_validation', 'default_rope_type', 'default_theta', 'attention_chunk_size'],
];
