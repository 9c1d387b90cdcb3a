/** From what the passes gathered to the measured part of each SAE's record: suites applied, composite formed. */

import { resampleRows } from '../metrics/bootstrap.ts';
import type { BaseDefinitionId, ComponentName } from '../report/definitions.ts';
import type { Row } from '../report/part.ts';
import type { Controls, EvaluationRecord, Measure, Paired, Part } from '../report/schema.ts';
import { coreSuite } from '../suites/core.ts';
import { DENSE_PROBING, denseProbingSuite } from '../suites/dense-probing.ts';
import { interpScoreSuite } from '../suites/interpscore.ts';
import { lossRecoveredSuite } from '../suites/loss-recovered.ts';
import type { ProbeTask } from '../suites/probe-task.ts';
import { type ReconstructionResult, reconstructionSuite } from '../suites/reconstruction.ts';
import { TPP, tppSuite } from '../suites/tpp.ts';
import type { ConceptsEvaluated } from './concepts.ts';
import { type ControlsGathered, controlsPart } from './controls.ts';
import type { CoreMeasured } from './core-pass.ts';
import { type PairingKeys, pairedPart } from './pairing.ts';
import type { HookMeasured } from './token-pass.ts';

/** The fields of a record that evaluation fills. */
export interface Evaluated {
  layer: number;
  metrics: Partial<Record<BaseDefinitionId, Measure>>;
  suites: Record<string, Part>;
  curves: EvaluationRecord['curves'];
  paired: Paired | undefined;
  controls: Controls | undefined;
}

export interface EvaluateOptions {
  resamples: number;
  seed: number;
  pairing: PairingKeys;
  /** Further splits that the dense probes are fitted under. */
  splitSeeds?: number;
  /** The rows of the core losses. */
  coreText?: Row | undefined;
  /** Called between SAEs, with how many are done. */
  onSae?: (done: number, total: number) => void;
}

/** What the passes found, by hook and SAE; null for what the run's suites did not ask for. */
export interface Found {
  hooks: readonly HookMeasured[];
  /** Probing tasks; the first is the one tpp perturbs (toxicity). */
  tasks: readonly (readonly (readonly ProbeTask[])[])[] | null;
  core: CoreMeasured | null;
  /** Measured beside the packed rows; they need the tasks too. */
  controls: ControlsGathered | null;
  /** For each hook the results of its SAEs, in order. */
  concepts: readonly AsyncIterable<ConceptsEvaluated>[] | null;
}

/** One result for each SAE of each hook, in their order. */
export async function evaluate(found: Found, options: EvaluateOptions): Promise<Evaluated[]> {
  const { hooks, tasks, core, controls, concepts } = found;
  const rows = hooks[0]?.tables.activations.rows ?? 0;
  // One set of resamples for all SAEs: their differences are paired.
  const draws = { count: options.resamples, seed: options.seed };
  const resamples = resampleRows(rows, draws, hooks[0]?.documents);
  const coreRows = core?.tables[0]?.[0]?.clean.length ?? 0;
  const coreDraws = { ...draws, seed: `core:${options.seed}` };
  const coreResamples = resampleRows(coreRows, coreDraws, core?.documents);
  const total = hooks.reduce((sum, hook) => sum + hook.losses.length, 0);
  const results: Evaluated[] = [];
  for (const [hookIndex, hook] of hooks.entries()) {
    const reconstructions = reconstructionSuite(hook.tables, resamples);
    const ofConcepts = concepts?.[hookIndex]?.[Symbol.asyncIterator]();
    for (const [index, reconstruction] of reconstructions.entries()) {
      const loss = lossRecoveredSuite(hook.losses[index]!, resamples);
      const coreTable = core?.tables[hookIndex]?.[index];
      const coreLosses = coreTable && coreSuite(coreTable, coreResamples);
      const saeTasks = tasks?.[hookIndex]?.[index];
      const score = saeTasks && interpScoreOf(hook, reconstruction, loss, saeTasks, options);
      const { 'loss_recovered@interpscore-0.0.1': recovered, ...losses } = loss.metrics;
      const next = await ofConcepts?.next();
      results.push({
        layer: hook.layer,
        // The composite's components stand in it and nowhere else, but for alive, which has its own curve and window.
        metrics: {
          ...reconstruction.metrics,
          ...losses,
          ...(score ? {} : { 'loss_recovered@interpscore-0.0.1': recovered }),
        },
        suites: {
          ...(score && { interpscore: score.part }),
          ...(coreLosses && {
            core: {
              measures: coreLosses.metrics,
              ...(options.coreText && { tables: { text: [options.coreText] } }),
            },
          }),
          ...(next === undefined || next.done ? {} : next.value),
        },
        curves: reconstruction.curves,
        paired: pairedPart(
          { ...reconstruction.statistics, ...loss.statistics, ...score?.statistics },
          options.pairing,
        ),
        controls:
          controls === null || score === undefined
            ? undefined
            : controlsPart(hook, index, controls.measured[hookIndex]!, {
                ...controls.probing[hookIndex]!,
                sae: score.statistics[DENSE_PROBING],
                options,
              }),
      });
      options.onSae?.(results.length, total);
    }
  }
  return results;
}

function interpScoreOf(
  hook: HookMeasured,
  reconstruction: ReconstructionResult,
  loss: ReturnType<typeof lossRecoveredSuite>,
  tasks: readonly ProbeTask[],
  options: EvaluateOptions,
) {
  const probeOptions = { resamples: options.resamples, resampleSeed: options.seed };
  const { splitSeeds = 0 } = options;
  const probing = denseProbingSuite(tasks, { ...probeOptions, splitSeeds });
  const tpp = tppSuite(tasks[0]!, probeOptions);
  const composite = interpScoreSuite({
    loss_recovered: loss.statistics['loss_recovered@interpscore-0.0.1'],
    alive: reconstruction.statistics['alive@v1'],
    l0: reconstruction.statistics['l0@v1'],
    sparse_probing: probing.statistics[DENSE_PROBING],
    tpp: tpp.statistics[TPP],
    window_tokens: hook.tables.activations.tokens.reduce((sum, tokens) => sum + tokens, 0),
    notes: {
      ...noteOf('loss_recovered', loss.metrics['loss_recovered@interpscore-0.0.1']),
      ...noteOf('tpp', tpp.metrics[TPP]),
    },
  });
  return {
    part: { ...composite.part, tables: { probes: probing.probes, perturbation: [tpp.perturbation] } },
    statistics: { ...probing.statistics, ...tpp.statistics, ...composite.statistics },
  };
}

/** The remark a component carries in the composite is the one its own measure has, such as what was clipped. */
function noteOf(name: ComponentName, measure: Measure): Partial<Record<ComponentName, string>> {
  return measure.value !== null && measure.note !== undefined ? { [name]: measure.note } : {};
}
