/**
 * Result files of SAEBench (https://github.com/adamkarvonen/SAEBench, `sae_bench.evals.*.eval_output`), of every
 * vintage: fields that later versions added may be absent, null or −1. Token counts are those asked for, not counted.
 */
import { z } from 'zod';
import { MalformedError, quote } from '../errors.ts';
import type { DefinitionId } from '../report/definitions.ts';
import type { EvaluationRecord, Measure } from '../report/schema.ts';
import {
  type Architecture,
  fact,
  type Identity,
  imported,
  importedRecord,
  type Known,
  metricsOf,
} from './imported.ts';
import { checked, loose, type ResultFile } from './result-file.ts';
import { type Detail, type Read, readProbing, readScr, readTpp, type Values } from './saebench-concepts.ts';

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
  const { eval_type_id: type, datetime_epoch_millis: millis, sae_bench_commit_hash: commit } = found;
  const { results, unmapped, caveats } = readResults(found, file.path);
  return importedRecord(
    identityOf(found, known, file.path),
    results,
    {
      text: `${exportedFrom(found) ?? 'SAEBench'} ${type}${commit ? `, commit ${commit.slice(0, 40)}` : ''}`,
      // Our own export writes 0 for an unknown time, as the field allows neither null nor −1.
      started: millis ? new Date(millis).toISOString() : null,
      caveats: [
        ...caveats,
        ...(unmapped.length > 0
          ? [`Values of the file without a definition here: ${unmapped.join(', ')}.`.slice(0, 2_000)]
          : []),
      ],
    },
    file.path,
  );
}

/** What a file says that our own export made. */
function exportedFrom({ eval_result_unstructured: found }: Envelope): string | null {
  const parsed = z.looseObject({ exported_from: text }).safeParse(found);
  return parsed.success ? `${parsed.data.exported_from.slice(0, 200)}, in the layout of SAEBench` : null;
}

function identityOf(found: Envelope, known: Known, path: string): Identity {
  const config = found.sae_cfg_dict ?? {};
  const metadata = config.metadata ?? {};
  const hook = config.hook_name ?? metadata.hook_name ?? null;
  const layerInHook = /(?:blocks|layers)\.(\d+)\b/.exec(`${hook} ${found.sae_lens_id}`)?.[1];
  const layer =
    config.hook_layer ?? metadata.hook_layer ?? (layerInHook === undefined ? null : Number(layerInHook));
  const key = [found.sae_lens_release_id, found.sae_lens_id].filter((part) => part).join('/');
  const name = fact(key === '' ? null : key, known.name, '--name', path);
  return {
    key: known.name ?? name,
    name: (known.name ?? name).slice(0, 300),
    repo: null,
    model: fact(
      found.eval_config.model_name || config.model_name || metadata.model_name,
      known.model,
      '--model',
      path,
    ).slice(0, 300),
    layer: fact(layer, known.layer, '--layer', path),
    d_sae: fact(config.d_sae, known.latents, '--latents', path),
    architecture: architectureOf(config.architecture ?? null, known, path),
    hook: (hook ?? `blocks.${layer ?? known.layer}.hook_resid_post`).slice(0, 300),
    d_in: config.d_in ?? null,
    k: config.k ?? null,
    // SAEBench writes −1 for what it does not know.
    tokens_trained:
      config.training_tokens != null && config.training_tokens > 0 ? config.training_tokens : null,
  };
}

function architectureOf(name: string | null, known: Known, path: string): Architecture {
  if (known.architecture !== undefined) return known.architecture;
  const found = name === null ? undefined : ARCHITECTURES[name.toLowerCase()];
  if (found !== undefined) return found;
  throw new MalformedError({
    thing: `${path}, sae_cfg_dict.architecture`,
    found: name === null ? 'nothing' : quote(name),
    expected: `one of ${Object.keys(ARCHITECTURES).join(', ')}`,
    next: 'Give the architecture with --architecture.',
  });
}

/** Where each value of the file goes; paths are category.metric. */
const METRICS: Readonly<Record<string, DefinitionId>> = {
  'model_behavior_preservation.kl_div_score': 'kl_recovered@saebench-core',
  'model_behavior_preservation.kl_div_with_ablation': 'kl_zero@saebench-core',
  'model_behavior_preservation.kl_div_with_sae': 'kl_sae@saebench-core',
  'model_performance_preservation.ce_loss_score': 'loss_recovered@saebench-core',
  'model_performance_preservation.ce_loss_with_ablation': 'loss_zero@saebench-core',
  'model_performance_preservation.ce_loss_with_sae': 'loss_sae@saebench-core',
  'model_performance_preservation.ce_loss_without_sae': 'loss_clean@saebench-core',
  'reconstruction_quality.explained_variance_legacy': 'var_exp@saebench-legacy',
  'reconstruction_quality.cossim': 'cosine@v1',
  'shrinkage.l2_ratio': 'l2_ratio@v1',
  'shrinkage.relative_reconstruction_bias': 'bias@gated-v1',
  'sparsity.l0': 'l0@v1',
  'misc_metrics.frac_alive': 'alive@v1',
  'mean.mean_absorption_fraction_score': 'absorption_fraction@saebench',
  'mean.mean_full_absorption_score': 'absorption_full@saebench',
  'mean.mean_num_split_features': 'split_latents@saebench',
  'autointerp.autointerp_score': 'autointerp@saebench',
  'ravel.disentanglement_score': 'ravel_disentanglement@saebench',
  'ravel.cause_score': 'ravel_cause@saebench',
  'ravel.isolation_score': 'ravel_isolation@saebench',
  'unlearning.unlearning_score': 'unlearning@saebench',
};

function detailsOf({ eval_result_details: details }: Envelope): Detail[] {
  return (details ?? []).flatMap(({ dataset_name: name, ...fields }) => {
    if (!name) return [];
    const values = Object.entries(fields).filter(
      (entry): entry is [string, number | null] => typeof entry[1] === 'number' || entry[1] === null,
    );
    return [{ name: name.replace(/(?:_tpp|_scr)?_results$/, '').slice(0, 300), values: new Map(values) }];
  });
}

function readResults(found: Envelope, path: string): Read {
  const values: Values = new Map();
  for (const [group, table] of Object.entries(found.eval_result_metrics)) {
    for (const [name, value] of Object.entries(table)) {
      if (typeof value === 'number' || value === null) values.set(`${group}.${name}`, value);
    }
  }
  switch (found.eval_type_id) {
    case 'core':
      return readCore(values);
    case 'sparse_probing':
    case 'sparse_probing_sae_probes':
      return readProbing(values, detailsOf(found), found.eval_type_id);
    case 'tpp':
      return readTpp(values, detailsOf(found));
    case 'scr':
      return readScr(values, detailsOf(found));
    case 'absorption':
    case 'absorption_first_letter':
    case 'autointerp':
    case 'ravel':
    case 'unlearning':
      return readFlat(values, []);
    default:
      throw new MalformedError({
        thing: `${path}, eval_type_id`,
        found: quote(found.eval_type_id),
        expected:
          'core, sparse_probing, sparse_probing_sae_probes, tpp, scr, absorption, autointerp, ravel or unlearning',
        next: 'Import a file of one of these evaluations.',
      });
  }
}

function readFlat(
  values: Values,
  caveats: string[],
  extra: Partial<Record<DefinitionId, Measure>> = {},
): Read {
  const table: Partial<Record<DefinitionId, Measure>> = {};
  const unmapped: string[] = [];
  for (const [name, value] of values) {
    const id = METRICS[name];
    if (id === undefined) unmapped.push(name);
    else table[id] = imported(value);
  }
  return { results: { metrics: metricsOf({ ...table, ...extra }) }, unmapped, caveats };
}

function readCore(values: Values): Read {
  const nominal = (name: string): number | null => {
    const value = values.get(`token_stats.${name}`);
    return value != null && value > 0 ? Math.round(value) : null;
  };
  const tokens = nominal('total_tokens_eval_sparsity_variance');
  const extra: Partial<Record<DefinitionId, Measure>> = {};
  const variance = values.get('reconstruction_quality.explained_variance');
  if (variance !== undefined) {
    const old = !values.has('reconstruction_quality.explained_variance_legacy');
    extra[old ? 'var_exp@saebench-legacy' : 'var_exp@saebench-0.6'] = imported(variance, {
      ...(old && { note: 'A file of before both forms were written: its only one is the legacy form.' }),
    });
  }
  const alive = values.get('misc_metrics.frac_alive');
  if (alive !== undefined) {
    extra['alive@v1'] = imported(alive, tokens === null ? {} : { window_tokens: tokens });
  }
  const bias = values.get('shrinkage.relative_reconstruction_bias');
  if (bias !== undefined)
    extra['bias@gated-v1'] = imported(bias, { note: 'Mean over batches of the batch’s ratio.' });
  const handled = new Map(
    [...values].filter(
      ([name]) => !name.startsWith('token_stats.') && name !== 'reconstruction_quality.explained_variance',
    ),
  );
  const read = readFlat(
    handled,
    ['Token counts are those asked for, padding and special tokens included.'],
    extra,
  );
  if (tokens !== null) {
    read.results.data = {
      name: 'the text of the SAEBench core evaluation',
      split: 'not said',
      seed: null,
      tokens,
      rows: null,
      row_tokens: null,
    };
  }
  return read;
}
