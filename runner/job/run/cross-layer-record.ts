/** The record of a run of a cross-layer transcoder, which is alone in its run and stands in the place of all MLPs. */
import { parseDevices } from '../../onnx/devices.ts';
import type { EvaluationRecord, Exclusion } from '../../report/schema.ts';
import type { Reporter } from '../../reporter.ts';
import { crossLayerStage } from '../evaluation/cross-layer-stage.ts';
import { type MeasuringRun, recordOf } from '../evaluation/record.ts';
import { isAlone } from '../shared/cross-layer-transcoder.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';
import type { PublishedSae } from '../shared/published-saes.ts';
import { openCachedResults } from './kept-results.ts';
import type { RunStart } from './messages.ts';

/** An SAE of others that is alone in its run: a cross-layer transcoder or a crosscoder. */
export interface PublishedAlone {
  planned: PlannedSae;
  published: PublishedSae;
}

export function aloneAmong(saes: readonly PlannedSae[]): PublishedAlone | null {
  for (const planned of saes) {
    const { origin } = planned;
    if (origin.kind === 'published' && isAlone(origin.sae)) return { planned, published: origin.sae };
  }
  return null;
}

/** @throws as `crossLayerStage` */
export async function crossLayerRecord(
  run: RunStart & { measuring: MeasuringRun; leftOut: readonly Exclusion[] },
  { planned, published }: PublishedAlone,
  seconds: () => number,
  reporter: (stage: string, unit: string) => Reporter,
): Promise<EvaluationRecord> {
  const { measuring, model: place, memory } = run;
  const { config, folder, suites } = measuring;
  const cached = await openCachedResults(run);
  const { sae, exclusions, ...data } = await crossLayerStage(
    { config, model: place, folder: published.place.path, scratch: folder, memory, suites, cached },
    reporter,
  ).finally(() => cached?.cache.settled());
  return recordOf({
    ...data,
    run: measuring,
    on: parseDevices(config.device)[0],
    seconds: seconds(),
    planned,
    sae: { ...sae, k: null, layers: published.layers },
    selfTest: null,
    exclusions: [...run.leftOut, ...exclusions],
  });
}
