/** Light checkpoints along training: weights alone, for measuring anything about them later. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingSettings } from '../../config/sections.ts';
import type { UploadFile } from '../../hub/upload.ts';
import { releaseFiles, releaseId } from '../../sae/checkpoints/reference-release.ts';
import { SNAPSHOTS, stepFolder } from '../../sae/published/light-checkpoints.ts';
import type { Trainer } from '../../train/trainer.ts';
import { isLogSpaced } from '../../train/trajectory.ts';
import { writeTrainedSae } from '../shared/trained-saes.ts';

/**
 * Writes the SAEs as they are after a step that is 1, 2 or 5 × 10^i, where the run asks for it: a folder per step,
 * each in the layout of the reference release.
 *
 * @throws UnavailableError when the folder cannot be written
 */
export async function snapshot(
  { training, model }: { training: Pick<TrainingSettings, 'snapshots'>; model: { id: string } },
  folder: string,
  trainer: Trainer,
): Promise<void> {
  const type = snapshotTypes[training.snapshots];
  if (type === null || !isLogSpaced(trainer.steps)) return;
  for (const sae of await trainer.saes()) {
    await writeTrainedSae(join(folder, SNAPSHOTS, stepFolder(trainer.steps)), model.id, sae, type);
  }
}

/** The files of a run's light checkpoints, as its repository has them; none where it kept none. */
export async function snapshotFiles(folder: string): Promise<UploadFile[]> {
  const files: UploadFile[] = [];
  for (const step of (await readdir(join(folder, SNAPSHOTS)).catch(() => [])).sort()) {
    const names = await readdir(join(folder, SNAPSHOTS, step));
    // The config comes last: an SAE without one is being written, or was cut off.
    for (const name of names.sort()) {
      const id = releaseId(name);
      if (id === null || !names.includes(releaseFiles(id).config)) continue;
      for (const file of Object.values(releaseFiles(id)))
        files.push({ path: `${SNAPSHOTS}/${step}/${file}`, source: join(folder, SNAPSHOTS, step, file) });
    }
  }
  return files;
}

const snapshotTypes = { none: null, bfloat16: 'BF16', float32: 'F32' } as const;
