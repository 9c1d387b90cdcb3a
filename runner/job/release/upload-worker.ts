/** Body of the upload thread: sends one list of files after the other to a repository of the hub. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { UserError } from '../../errors.ts';
import { openHubHere } from '../../hub/here.ts';
import { parseReference } from '../../hub/reference.ts';
import { upload } from '../../hub/upload.ts';
import { Stopped } from '../../reporter.ts';
import { serve } from '../../threads/body.ts';
import type { UploadJob, UploadStart } from './upload-thread.ts';

serve<UploadStart, UploadJob, string>(({ repository, hidden }, { signal }) => ({
  async answer({ files, remove, title }) {
    const reference = parseReference(repository, { exists: existsSync, home: homedir() });
    if (reference.kind !== 'hub') {
      throw new UserError({
        thing: 'setting upload.repository',
        found: repository,
        expected: 'a repository of the hub, owner/name',
        next: 'Correct it, or leave it out.',
      });
    }
    const hub = await openHubHere();
    try {
      const { commit } = await upload(hub, {
        reference,
        files,
        remove,
        title,
        create: { private: hidden },
        signal,
      });
      return commit;
    } catch (error) {
      if (signal.aborted) throw new Stopped('stopped while uploading; the same command uploads again');
      throw error;
    }
  },
}));
