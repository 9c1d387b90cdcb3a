/** Light checkpoints along training: weights alone, for measuring anything about them later. */
import { join } from 'node:path';
import type { RunConfig } from '../config/run-config.ts';
import type { Trainer } from '../train/trainer.ts';
import { isLogSpaced } from '../train/trajectory.ts';
import { writeTrainedSae } from './write-trained.ts';

/**
 * Writes the SAEs as they are after a step that is 1, 2 or 5 × 10^i, where the run asks for it: a folder a step,
 * each in the layout of the reference release.
 *
 * @throws UnavailableError when the folder cannot be written
 */
export async function snapshot(config: RunConfig, folder: string, trainer: Trainer): Promise<void> {
  const type = snapshotTypes[config.training.snapshots];
  if (type === null || !isLogSpaced(trainer.steps)) return;
  const step = `step-${String(trainer.steps).padStart(6, '0')}`;
  for (const sae of await trainer.saes()) {
    await writeTrainedSae(join(folder, 'snapshots', step), config, sae, type);
  }
}

const snapshotTypes = { none: null, bfloat16: 'BF16', float32: 'F32' } as const;
