/** Uploads in a thread of their own, so that no training step waits for the network. */
import type { UploadFile } from '../../hub/upload.ts';
import type { Voice } from '../../reporter.ts';
import { type Link, openLink } from '../../threads/link.ts';

export interface UploadStart {
  /** owner/name[@branch] */
  repository: string;
  /** Whether it is made private, should it not be there. */
  hidden: boolean;
}

export interface UploadJob {
  title: string;
  files: UploadFile[];
  /** Names to remove from the repository, where they are there. */
  remove: string[];
}

/** Every request is one upload, and its reply the commit. An upload cut off by the end is taken up by the next one. */
export function openUploadThread(start: UploadStart, voice?: Voice): Link<UploadJob, string> {
  return openLink({
    name: 'the upload thread',
    body: new URL('./upload-worker.ts', import.meta.url),
    start,
    ...(voice && { voice }),
  });
}
