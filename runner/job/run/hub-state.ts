/** When a run is taken up from its repository, and what of a checkpoint may come from there. */
import { join } from 'node:path';
import type { SaeSettings, TrainingSettings, UploadSettings } from '../../config/sections.ts';
import { hookLabel } from '../../hook.ts';
import { checkpointStore } from '../../train/checkpoint.ts';
import { checkpointLimits } from '../../train/checkpoint-files.ts';
import type { CheckpointLimits } from '../release/hub-resume.ts';
import { type ModelPlace, widthsOf } from '../shared/model-place.ts';
import { hooksOfPlans, trainedSaes, withWidths } from '../shared/planned-saes.ts';
import { type ShardOfRun, saesOfShard } from '../shared/shard.ts';
import { contentLimits } from '../training-data/training-tokens.ts';
import type { RunFolder } from './run-folder.ts';

/** Whether the run's repository is asked: nothing is trained here yet, and the run was not told to start over. */
export async function looksOnHub(
  { upload, train }: { upload: UploadSettings; train: boolean },
  folder: Pick<RunFolder, 'path' | 'found'>,
  fresh: boolean,
): Promise<boolean> {
  if (upload.repository === null || !train || fresh) return false;
  if (folder.found === undefined) return true;
  const { stage, fresh: startedOver } = folder.found;
  if (stage !== 'training' || startedOver) return false;
  return checkpointStore(join(folder.path, 'checkpoints')).isEmpty();
}

/** Files of a checkpoint of the run, which follow from its own settings. */
export async function limitsOfCheckpoint(
  config: SaeSettings & { training: Pick<TrainingSettings, 'shuffle'> },
  model: ModelPlace,
  shard: ShardOfRun | null,
): Promise<CheckpointLimits> {
  const all = trainedSaes(config);
  const widths = await widthsOf(model, hooksOfPlans(all));
  const plans = withWidths(saesOfShard(all, shard), widths);
  const hooks = hooksOfPlans(plans).map(hookLabel);
  return { needed: checkpointLimits(plans), others: contentLimits(config, { widths, hooks }) };
}
