/**
 * A run's repository on the hub: the SAEs as they are and the resume state every so many tokens, in the background;
 * at the end the release, from which the resume state is gone.
 */

import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { UploadSettings } from '../../config/sections.ts';
import type { UploadFile } from '../../hub/upload.ts';
import { counted } from '../../report/counted.ts';
import type { Voice } from '../../reporter.ts';
import type { TrainedSae } from '../../train/trainer.ts';
import { writeTrainedSae } from '../shared/trained-saes.ts';
import { RESUME } from './hub-resume.ts';
import { filesOfRelease } from './release.ts';
import { snapshotFiles } from './snapshots.ts';
import { openUploadThread } from './upload-thread.ts';

export interface RunUpload {
  /** Whether the next upload is due. */
  due(tokens: number): boolean;
  /**
   * Starts an upload and returns when its files are set aside; where one is still under way, this one is left to the
   * next time. What fails is noted, and tried again with the next one.
   *
   * @param generation folder of the checkpoint that was just saved
   */
  start(tokens: number, saes: readonly TrainedSae[], generation: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param run.stale what the first upload removes: a name that ends in / is a folder
 * @param open starts the thread, again where an earlier one has died; for tests
 * @returns undefined where the run has no repository
 */
export function openRunUpload(
  run: { upload: UploadSettings; model: { id: string }; stale?: readonly string[] },
  folder: string,
  note: (text: string) => void,
  open = openUploadThread,
): RunUpload | undefined {
  const { model, stale = [] } = run;
  const { repository, everyTokens, private: hidden } = run.upload;
  if (repository === null) return undefined;
  let thread = open({ repository, hidden });
  const place = join(folder, 'uploading');
  let sent = 0;
  /** Light checkpoints that have arrived. */
  const arrived = new Set<string>();
  let arrivedOnce = false;
  let busy = false;
  let closed = false;
  return {
    due: (tokens) => tokens - sent >= everyTokens,
    async start(tokens, saes, generation) {
      if (busy) return;
      busy = true;
      sent = tokens;
      try {
        await rm(place, { recursive: true, force: true });
        const files = await setAside(model.id, place, saes, generation);
        const light = (await snapshotFiles(folder)).filter(({ path }) => !arrived.has(path));
        const title = `${tokens.toLocaleString('en')} tokens`;
        if (thread.gone !== undefined) thread = open({ repository, hidden });
        const request = thread.request({
          title,
          files: [...files, ...light],
          remove: arrivedOnce ? [] : [...stale],
        });
        void request
          .then(
            (commit) => {
              arrivedOnce = true;
              for (const { path } of light) arrived.add(path);
              return `uploaded ${title} to ${repository}, commit ${commit.slice(0, 8)}`;
            },
            (error: Error) => `${error.message} (training goes on; the next upload tries again)`,
          )
          .then((outcome) => {
            busy = false;
            // One that is cut off by the end of the training is overtaken by the release.
            if (!closed) note(outcome);
          });
      } catch (error) {
        busy = false;
        throw error;
      }
    },
    async close() {
      closed = true;
      await thread.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}

/** The files of a checkpoint in a folder of their own: the generation may go before they are sent. */
async function setAside(
  model: string,
  place: string,
  saes: readonly TrainedSae[],
  generation: string,
): Promise<UploadFile[]> {
  const files: UploadFile[] = [];
  await mkdir(join(place, RESUME), { recursive: true });
  for (const name of await readdir(generation)) {
    const source = join(place, RESUME, name);
    await link(join(generation, name), source).catch(() => copyFile(join(generation, name), source));
    files.push({ path: `${RESUME}/${name}`, source });
  }
  for (const sae of saes) {
    const { tensors, config: text } = await writeTrainedSae(place, model, sae);
    for (const name of [tensors, text]) files.push({ path: name, source: join(place, name) });
  }
  return files;
}

/**
 * Sends the release of a finished run with its model card, and removes the resume state, in one commit.
 *
 * @throws UserError, UnavailableError as the upload does; nothing of the run is lost, the same command tries again
 * @throws Stopped when the user asked to stop
 */
export async function uploadRelease(
  { name, upload }: { name: string; upload: UploadSettings },
  folder: string,
  saes: readonly { id: string }[],
  voice: Voice,
): Promise<void> {
  const { repository, private: hidden } = upload;
  if (repository === null) return;
  const files = await filesOfRelease(folder, name, { repo: repository.replace(/@.*$/, '') });
  const thread = openUploadThread({ repository, hidden }, voice);
  try {
    const commit = await thread.request({
      title: `${name}: ${counted(saes.length, 'SAE')} with scores`,
      files,
      remove: [`${RESUME}/`],
    });
    voice.note(`released to ${repository}, commit ${commit.slice(0, 8)}`);
  } finally {
    await thread.close();
  }
}
