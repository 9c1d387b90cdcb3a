/** From what the passes gathered to the measured part of each SAE's record: suites applied, composite formed. */

import { type Resamples, resampleRows } from '../metrics/bootstrap.ts';
import type { ComponentName, DefinitionId } from '../report/definitions.ts';
import type {
  Controls,
  EvaluationRecord,
  InterpScore,
  Measure,
  Paired,
  Perturbation,
  Probe,
} from '../report/schema.ts';
import { DENSE_PROBING, denseProbingSuite } from '../suites/dense-probing.ts';
import { interpScoreSuite } from '../suites/interpscore.ts';
import { lossRecoveredSuite } from '../suites/loss-recovered.ts';
import type { ProbeTask } from '../suites/probe-task.ts';
import { reconstructionSuite } from '../suites/reconstruction.ts';
import { TPP, tppSuite } from '../suites/tpp.ts';
import { type ControlsGathered, controlsPart, probeControls } from './controls.ts';
import { type PairingKeys, pairedPart } from './pairing.ts';
import type { HookMeasured } from './token-pass.ts';

/** The fields of a record that evaluation fills. */
export interface Evaluated {
  layer: number;
  metrics: Partial<Record<DefinitionId, Measure>>;
  interpscore: InterpScore;
  probes: Probe[];
  tpp: Perturbation;
  curves: EvaluationRecord['curves'];
  paired: Paired | undefined;
  controls: Controls | undefined;
}

export interface EvaluateOptions {
  resamples: number;
  seed: number;
  pairing: PairingKeys;
  /** Called between SAEs, with how many are done. */
  onSae?: (done: number, total: number) => void;
}

/**
 * One result for each SAE of each hook, in their order.
 *
 * @param hooks what the token pass measured
 * @param controls null where none were measured
 * @param tasks for each hook and SAE its probing tasks; the first is the one tpp perturbs (toxicity)
 */
export function evaluate(
  hooks: readonly HookMeasured[],
  tasks: readonly (readonly (readonly ProbeTask[])[])[],
  options: EvaluateOptions,
  controls: ControlsGathered | null = null,
): Evaluated[] {
  const rows = hooks[0]?.tables.activations.rows ?? 0;
  // One set of resamples for all SAEs: their differences are paired.
  const resamples: Resamples = resampleRows(rows, { count: options.resamples, seed: options.seed });
  const probeOptions = { resamples: options.resamples, resampleSeed: options.seed };
  const total = hooks.reduce((sum, hook) => sum + hook.losses.length, 0);
  const results: Evaluated[] = [];
  for (const [hookIndex, hook] of hooks.entries()) {
    const reconstructions = reconstructionSuite(hook.tables, resamples);
    const ofHook = controls && probeControls(controls.residualTasks[hookIndex]!, options);
    for (const [index, reconstruction] of reconstructions.entries()) {
      const saeTasks = tasks[hookIndex]![index]!;
      const loss = lossRecoveredSuite(hook.losses[index]!, resamples);
      const probing = denseProbingSuite(saeTasks, probeOptions);
      const tpp = tppSuite(saeTasks[0]!, probeOptions);
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
      const { 'loss_recovered@interpscore-0.0.1': _, ...losses } = loss.metrics;
      results.push({
        layer: hook.layer,
        // The composite's components stand in it and nowhere else, but for alive, which has its own curve and window.
        metrics: { ...reconstruction.metrics, ...losses },
        interpscore: composite.interpscore,
        probes: probing.probes,
        tpp: tpp.perturbation,
        curves: reconstruction.curves,
        paired: pairedPart(
          {
            ...reconstruction.statistics,
            ...loss.statistics,
            ...probing.statistics,
            ...tpp.statistics,
            ...composite.statistics,
          },
          options.pairing,
        ),
        controls:
          controls === null || ofHook === null
            ? undefined
            : controlsPart(hook, index, controls.measured[hookIndex]!, {
                ...ofHook,
                sae: probing.statistics[DENSE_PROBING],
                options,
              }),
      });
      options.onSae?.(results.length, total);
    }
  }
  return results;
}

/** The remark a component carries in the composite is the one its own measure has, such as what was clipped. */
function noteOf(name: ComponentName, measure: Measure): Partial<Record<ComponentName, string>> {
  return measure.value !== null && measure.note !== undefined ? { [name]: measure.note } : {};
}
