/** Body of the upload thread: sends one list of files after the other to a repository of the hub. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../errors.ts';
import { parseReference } from '../hub/reference.ts';
import { readHubSettings } from '../hub/settings.ts';
import { openHub } from '../hub/transport.ts';
import { upload } from '../hub/upload.ts';
import { failureOf } from './messages.ts';
import type { UploadJob, UploadMessage, UploadStart } from './upload-thread.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the body of a worker thread');
const { repository, hidden } = workerData as UploadStart;
const send = (message: UploadMessage): void => port.postMessage(message);

async function run(job: UploadJob): Promise<void> {
  try {
    const reference = parseReference(repository, { exists: existsSync, home: homedir() });
    if (reference.kind !== 'hub') {
      throw new UserError({
        thing: 'setting upload.repository',
        found: repository,
        expected: 'a repository of the hub, owner/name',
        next: 'Correct it, or leave it out.',
      });
    }
    const hub = openHub({ settings: await readHubSettings(process.env, homedir()) });
    const { commit } = await upload(hub, {
      reference,
      files: job.files,
      remove: job.remove,
      title: job.title,
      create: { private: hidden },
    });
    send({ type: 'sent', commit });
  } catch (error) {
    send(failureOf(error));
  }
}

port.on('message', (job: UploadJob) => void run(job));
