/**
 * The files of the reference release, by its names and keys, so that what reads those reads ours:
 * `interpscore_L{layer}.json`, the combined `interpscore_{run}.json`, and `val_report.json`.
 */
import { join } from 'node:path';
import { writeJsonAtomic } from '../io/write-atomic.ts';
import { type BaseDefinitionId, componentNames } from './definitions.ts';
import { isMeasure } from './is-measure.ts';
import { interpScoreOf } from './measures.ts';
import type { EvaluationRecord } from './schema.ts';

const VERSION = '0.0.1';

/** A record with the name its SAE has in the run's files: `L11`, or `L11_k64` where a layer has several. */
export interface NamedRecord {
  id: string;
  record: EvaluationRecord;
}

function exportFile(id: string): string {
  return `interpscore_${id}.json`;
}

/** Key of an SAE in the combined files: its layer where the layer has one, as in the reference release. */
function keyOf(id: string): string {
  return id.replace(/^L/, '');
}

/** What the reference's validation report has of a layer. */
export interface ValidationReport {
  /** Centred per forward pass: var_exp@chunk-v1. */
  var_expl: number | null;
  l0: number | null;
  /** Latents. */
  alive: number | null;
  /** Percent. */
  dead_pct: number | null;
}

/**
 * Writes all exports of a run's records into its folder; returns the files' names. They are by layer, and have no place for
 * a cross-layer transcoder or a crosscoder: of one alone none are written.
 *
 * @param validation by SAE, where the run has a validation of its own; else the report repeats the records
 */
export async function writeExports(
  folder: string,
  runName: string,
  all: readonly NamedRecord[],
  validation?: ReadonlyMap<string, ValidationReport>,
): Promise<string[]> {
  const saes = all.filter(({ record: { sae } }) => (sae.layers ?? sae.places) === undefined);
  if (saes.length === 0 && all.length > 0) return [];
  const files: [string, unknown][] = saes.map(({ id, record }) => [exportFile(id), layerExport(record)]);
  files.push([`interpscore_${runName}.json`, combinedExport(saes)]);
  const own = validation && [...validation].map(([id, report]) => [keyOf(id), report] as const);
  files.push(['val_report.json', own ? Object.fromEntries(own) : validationExport(saes)]);
  for (const [name, value] of files) await writeJsonAtomic(join(folder, name), value);
  return files.map(([name]) => name);
}

export function layerExport(record: EvaluationRecord): Record<string, unknown> {
  const { sae, model, data, provenance } = record;
  const score = interpScoreOf(record);
  const { probes = [], perturbation = [] } = record.suites.interpscore?.tables ?? {};
  const [tpp] = perturbation;
  return {
    version: VERSION,
    sae_repo: sae.repo,
    model: model.id,
    layer: sae.layer,
    d_model: model.d_model,
    d_sae: sae.d_sae,
    k: sae.k,
    tokens_trained: sae.tokens_trained,
    eval_tokens: data?.tokens ?? null,
    probing_tasks: probes.map(({ name }) => name),
    probing_per_task_auc: Object.fromEntries(
      probes.map(({ name, cells: { auroc } }) => [name, isMeasure(auroc) ? auroc.value : null]),
    ),
    tpp_concept: tpp?.name ?? null,
    tpp_top_features: tpp?.cells.ablated_latents ?? null,
    L_clean: measured(record, 'loss_clean@v1'),
    L_sae: measured(record, 'loss_sae@v1'),
    L_zero: measured(record, 'loss_zero@v1'),
    L0: measured(record, 'l0@v1'),
    dead_frac: measured(record, 'dead_fraction@v1'),
    components: Object.fromEntries(
      componentNames.map((name) => [name, score?.components[name].value ?? null]),
    ),
    weights: score?.weights ?? null,
    interp_score: score?.score.value ?? null,
    elapsed_sec: provenance.wall_seconds,
  };
}

export function combinedExport(saes: readonly NamedRecord[]): Record<string, unknown> {
  const records = saes.map(({ record }) => record);
  const [first] = records;
  const scored = records.filter((each) => interpScoreOf(each)?.score.value != null);
  const best = scored.reduce<EvaluationRecord | undefined>(
    (leader, each) => (leader === undefined || scoreOf(each) > scoreOf(leader) ? each : leader),
    undefined,
  );
  return {
    version: VERSION,
    sae_repo: first?.sae.repo ?? null,
    model: first?.model.id ?? null,
    tokens_trained: first?.sae.tokens_trained ?? null,
    timestamp: first?.provenance.started ?? null,
    per_layer: Object.fromEntries(saes.map(({ id, record }) => [keyOf(id), layerExport(record)])),
    best_layer: best?.sae.layer ?? null,
    sources: Object.fromEntries(saes.map(({ id }) => [keyOf(id), exportFile(id)])),
  };
}

/** Layer (or name) -> what the reference's validation report holds: its var_expl is centred per forward pass, dead_pct in percent. */
export function validationExport(saes: readonly NamedRecord[]): Record<string, ValidationReport> {
  return Object.fromEntries(
    saes.map(({ id, record: each }) => {
      const alive = measured(each, 'alive@v1');
      const dead = measured(each, 'dead_fraction@v1');
      return [
        keyOf(id),
        {
          var_expl: measured(each, 'var_exp@chunk-v1'),
          l0: measured(each, 'l0@v1'),
          alive: alive === null ? null : Math.round(alive * each.sae.d_sae),
          dead_pct: dead === null ? null : 100 * dead,
        },
      ];
    }),
  );
}

function measured(record: EvaluationRecord, id: BaseDefinitionId): number | null {
  return record.metrics[id]?.value ?? null;
}

function scoreOf(record: EvaluationRecord): number {
  return interpScoreOf(record)?.score.value ?? Number.NEGATIVE_INFINITY;
}
