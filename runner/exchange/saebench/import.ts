/**
 * Result files of SAEBench (https://github.com/adamkarvonen/SAEBench, `sae_bench.evals.*.eval_output`), of every
 * vintage: fields that later versions added may be absent, null or −1. Token counts are those asked for, not counted.
 */
import { z } from 'zod';
import { MalformedError, quote } from '../../errors.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { topKOf } from '../../sae/checkpoints/sae-lens-flat.ts';
import {
  type Architecture,
  disagreement,
  fact,
  type Identity,
  importedRecord,
  type Known,
  optionalFact,
  unread,
} from '../imported.ts';
import { checked, loose, type ResultFile } from '../result-file.ts';
import { layerInHook, modelKey } from '../same-sae.ts';
import type { Read, ResultValues, Values } from './format.ts';
import { formats } from './formats.ts';

const text = z.string().max(2_000);
const category = z.record(z.string().max(200), z.union([z.number(), z.null(), z.string(), z.boolean()]));

const envelope = z.looseObject({
  eval_type_id: text,
  eval_config: z.looseObject({ model_name: text.nullish() }),
  datetime_epoch_millis: z.number().nonnegative().max(9_999_999_999_999).nullish(),
  eval_result_metrics: z.record(z.string().max(200), category),
  // One entry a data set or pair, of the evaluations that have such.
  eval_result_details: z
    .array(z.looseObject({ dataset_name: text.nullish() }))
    .max(10_000)
    .nullish(),
  sae_bench_commit_hash: text.nullish(),
  sae_lens_id: text.nullish(),
  sae_lens_release_id: text.nullish(),
  sae_lens_version: text.nullish(),
  eval_result_unstructured: z.unknown().optional(),
  sae_cfg_dict: z
    .looseObject({
      architecture: text.nullish(),
      d_in: z.int().positive().nullish(),
      d_sae: z.int().positive().nullish(),
      hook_name: text.nullish(),
      hook_layer: z.int().nonnegative().nullish(),
      model_name: text.nullish(),
      k: z.int().positive().nullish(),
      activation_fn: text.nullish(),
      activation_fn_str: text.nullish(),
      activation_fn_kwargs: z.looseObject({ k: z.int().positive().nullish() }).nullish(),
      training_tokens: loose,
      metadata: z
        .looseObject({
          model_name: text.nullish(),
          hook_name: text.nullish(),
          hook_layer: z.int().nonnegative().nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

type Envelope = z.infer<typeof envelope>;

/** Names of SAEBench and SAELens, and ours. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  standard: 'relu',
  standard_april_update: 'relu',
  p_anneal: 'relu',
  relu: 'relu',
  topk: 'topk',
  top_k: 'topk',
  batchtopk: 'batchtopk',
  batch_topk: 'batchtopk',
  matryoshka: 'matryoshka',
  matryoshka_batchtopk: 'matryoshka',
  matryoshka_batch_topk: 'matryoshka',
  jumprelu: 'jumprelu',
  jump_relu: 'jumprelu',
  gated: 'gated',
};

export function isSaeBench(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'eval_type_id' in value;
}

/** @throws MalformedError or UserError naming the field */
export function importSaeBench(file: ResultFile, known: Known): EvaluationRecord {
  const found = checked(envelope, file, 'a result file of SAEBench');
  const { datetime_epoch_millis: millis, sae_bench_commit_hash: commit } = found;
  // Some versions write names in capitals.
  const type = found.eval_type_id.toLowerCase();
  const { results, unmapped, caveats } = readResults(found, type, file.path);
  const { identity, caveats: about } = identityOf(found, type, known, file.path);
  return importedRecord(
    identity,
    results,
    {
      text: `${exportedFrom(found) ?? 'SAEBench'} ${type}${commit ? `, commit ${commit.slice(0, 40)}` : ''}`,
      // Our own export writes 0 for an unknown time, as the field allows neither null nor −1.
      started: millis ? new Date(millis).toISOString() : null,
      caveats: [...caveats, ...about, ...unread(unmapped)],
    },
    file.path,
  );
}

/** What a file says that our own export made. */
function exportedFrom({ eval_result_unstructured: found }: Envelope): string | null {
  const parsed = z.looseObject({ exported_from: text }).safeParse(found);
  return parsed.success ? `${parsed.data.exported_from.slice(0, 200)}, in the layout of SAEBench` : null;
}

function identityOf(
  found: Envelope,
  type: string,
  known: Known,
  path: string,
): { identity: Identity; caveats: string[] } {
  const config = found.sae_cfg_dict ?? {};
  const metadata = config.metadata ?? {};
  const caveats: string[] = [];
  const hook =
    config.hook_name ??
    metadata.hook_name ??
    /blocks\.\d+\.(?:\w+\.)?hook_[a-z]+(?:_[a-z]+)?/.exec(found.sae_lens_id ?? '')?.[0];
  const layer = fact(layerOf(found, hook, path), known.layer, '--layer', path);
  if (hook == null)
    caveats.push(`The file names no hook: taken for the residual stream after block ${layer}.`);
  const key = [found.sae_lens_release_id, found.sae_lens_id].filter((part) => part).join('/');
  const named = fact(key === '' ? null : key, key === '' ? known.name : undefined, '--name', path);
  const name = known.name ?? named;
  const trained = config.model_name ?? metadata.model_name ?? null;
  const evaluated = found.eval_config.model_name || null;
  if (trained !== null && evaluated !== null && modelKey(trained) !== modelKey(evaluated)) {
    // SAEs of a base model are evaluated on its instruction-tuned form, as unlearning asks for.
    if (modelKey(evaluated).replace(/-(?:it|instruct|chat)$/, '') !== modelKey(trained))
      throw disagreement(path, ['eval_config.model_name', evaluated], ['sae_cfg_dict.model_name', trained]);
    caveats.push(`${type} was evaluated on ${evaluated.slice(0, 300)}.`);
  }
  const { architecture, k } = architectureOf(config, known, path);
  const identity = {
    key: name,
    name: name.slice(0, 300),
    repo: null,
    model: fact(trained ?? evaluated, known.model, '--model', path).slice(0, 300),
    layer,
    d_sae: fact(config.d_sae, known.latents, '--latents', path),
    architecture,
    hook: (hook ?? `blocks.${layer}.hook_resid_post`).slice(0, 300),
    d_in: config.d_in ?? null,
    k: optionalFact(k, known.k, '--k', path),
    // SAEBench writes −1 for what it does not know.
    tokens_trained:
      config.training_tokens != null && config.training_tokens > 0 ? config.training_tokens : null,
    origin: {
      release: found.sae_lens_release_id || null,
      member: found.sae_lens_id || null,
      step: null,
      config_sha256: null,
    },
  };
  return { identity, caveats };
}

/** @throws UserError when the file gives two blocks */
function layerOf(found: Envelope, hook: string | null | undefined, path: string): number | null {
  const config = found.sae_cfg_dict ?? {};
  const places = [
    ['sae_cfg_dict.hook_layer', config.hook_layer],
    ['sae_cfg_dict.metadata.hook_layer', config.metadata?.hook_layer],
    ['the hook', hook == null ? null : layerInHook(hook)],
    ['sae_lens_id', layerInHook(found.sae_lens_id ?? '')],
  ] as const;
  const said = places.flatMap(([place, layer]) => (layer == null ? [] : [[place, layer] as const]));
  const [first] = said;
  const other = said.find(([, layer]) => layer !== first?.[1]);
  if (first !== undefined && other !== undefined) throw disagreement(path, first, other);
  return first?.[1] ?? null;
}

function architectureOf(
  config: NonNullable<Envelope['sae_cfg_dict']>,
  known: Known,
  path: string,
): { architecture: Architecture; k: number | null } {
  const activation_fn = config.activation_fn ?? config.activation_fn_str;
  const stored = topKOf({ activation_fn, activation_fn_kwargs: config.activation_fn_kwargs });
  if (config.k != null && stored != null && config.k !== stored)
    throw disagreement(path, ['k', config.k], ['activation_fn_kwargs.k', stored]);
  const k = config.k ?? stored ?? null;
  const name = config.architecture ?? null;
  const found = name === null ? undefined : ARCHITECTURES[name.toLowerCase()];
  // SAELens before its version 5 had no architecture topk: it is standard, with another activation.
  const read = stored !== null && (found === 'relu' || name === null) ? 'topk' : found;
  const architecture = optionalFact(read, known.architecture, '--architecture', path);
  if (architecture !== null) return { architecture, k };
  throw new MalformedError({
    thing: `${path}, sae_cfg_dict.architecture`,
    found: name === null ? 'nothing' : quote(name),
    expected: `one of ${Object.keys(ARCHITECTURES).join(', ')}`,
    next: 'Give the architecture with --architecture.',
  });
}

function detailsOf({ eval_result_details: details }: Envelope): ResultValues['details'] {
  return (details ?? []).flatMap(({ dataset_name: name, ...fields }) => {
    if (!name) return [];
    const values = Object.entries(fields).filter(
      (entry): entry is [string, number | null] => typeof entry[1] === 'number' || entry[1] === null,
    );
    return [{ name: name.replace(/(?:_tpp|_scr)?_results$/, '').slice(0, 300), values: new Map(values) }];
  });
}

/**
 * Values by their own name: categories have changed theirs (shift_metrics, uncategorized).
 *
 * @throws MalformedError when two categories give one name different values
 */
function valuesOf({ eval_result_metrics: categories }: Envelope, path: string): Values {
  const values: Values = new Map();
  for (const [category, table] of Object.entries(categories)) {
    for (const [name, value] of Object.entries(table)) {
      if (typeof value !== 'number' && value !== null) continue;
      const before = values.get(name);
      if (before != null && value !== null && before !== value) {
        throw new MalformedError({
          thing: `${path}, ${category}.${name}`,
          found: `${value}, and ${before} in another category`,
          expected: 'one value',
          next: 'Import the file as the evaluation wrote it.',
        });
      }
      values.set(name, value ?? before ?? null);
    }
  }
  return values;
}

/** `category.name` of what was not read. */
function namedInFull({ eval_result_metrics: categories }: Envelope, names: readonly string[]): string[] {
  return Object.entries(categories).flatMap(([category, table]) =>
    Object.keys(table)
      .filter((name) => names.includes(name))
      .map((name) => `${category}.${name}`),
  );
}

function readResults(found: Envelope, type: string, path: string): Read {
  const values = valuesOf(found, path);
  const read = readType(found, type, values, path);
  return { ...read, unmapped: namedInFull(found, read.unmapped) };
}

function readType(found: Envelope, type: string, values: Values, path: string): Read {
  const format = formats.find(({ types }) => types.includes(type));
  if (format !== undefined) {
    return format.read({ values, details: detailsOf(found), thing: `${path}, eval_result_metrics` });
  }
  throw new MalformedError({
    thing: `${path}, eval_type_id`,
    found: quote(found.eval_type_id),
    expected: `one of ${[...new Set(formats.flatMap(({ types }) => types))].join(', ')}`,
    next: 'Import a file of one of these evaluations.',
  });
}
