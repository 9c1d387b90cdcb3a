/** The record of a run of a crosscoder, which is alone in its run. */
import { hookName } from '../../hook.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { EvaluationRecord, Exclusion } from '../../report/schema.ts';
import type { Reporter } from '../../reporter.ts';
import { detectAdapter } from '../../sae/checkpoints/detect.ts';
import { hookPath } from '../../sae/published/hook-names.ts';
import { crosscoderStage } from '../evaluation/crosscoder-stage.ts';
import { type MeasuringRun, recordOf } from '../evaluation/record.ts';
import type { PublishedAlone } from './cross-layer-record.ts';
import { openCachedResults } from './kept-results.ts';
import type { RunStart } from './messages.ts';

/** @throws as `crosscoderStage` */
export async function crosscoderRecord(
  run: RunStart & { measuring: MeasuringRun; leftOut: readonly Exclusion[] },
  { planned, published }: PublishedAlone,
  seconds: () => number,
  reporter: (stage: string, unit: string) => Reporter,
): Promise<EvaluationRecord> {
  const { measuring, model, other, memory } = run;
  const { config, folder, suites } = measuring;
  const { place, places = [] } = published;
  const idOf = (number: number): string => (number === 0 ? config.model.id : other!.id);
  const names = places.map(({ model, hook }) =>
    other === null ? hookName(hook) : `${idOf(model)} ${hookName(hook)}`,
  );
  const cached = await openCachedResults(run);
  const { sae, exclusions, ...data } = await crosscoderStage(
    {
      config,
      model,
      other,
      open: async () => (await detectAdapter(place.path)).crosscoder!(place.path, place.options),
      places,
      names,
      scratch: folder,
      memory,
      suites,
      cached,
    },
    reporter,
  ).finally(() => cached?.cache.settled());
  return recordOf({
    ...data,
    run: measuring,
    on: parseDevices(config.device)[0],
    seconds: seconds(),
    planned,
    sae: {
      ...sae,
      places: places.map(({ model, hook }) => ({
        model: idOf(model),
        hook: hookPath(hook),
        layer: hook.layer,
      })),
      ...(other !== null && {
        other_model: { id: other.id, revision: other.revision, sha256: other.sha256 },
      }),
    },
    selfTest: null,
    exclusions: [...run.leftOut, ...exclusions],
  });
}
