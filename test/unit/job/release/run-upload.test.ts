import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { openRunUpload } from '../../../../runner/job/release/run-upload.ts';
import type { UploadJob } from '../../../../runner/job/release/upload-thread.ts';
import { type Link, openLink } from '../../../../runner/threads/link.ts';

const body = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);

test('an upload thread that died is an outcome, and the next upload is made by a new one; what is stale goes with the first that arrives', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-run-upload-'));
  try {
    const generation = join(folder, 'generation');
    await mkdir(generation);
    await writeFile(join(generation, 'state.json'), '{}');
    const config = await resolveRun(['small-world-quick'], { set: ['upload.repository=o/n'] });
    let opened = 0;
    let noted: (text: string) => void = () => undefined;
    const uploads = openRunUpload(
      { ...config, stale: ['old/'] },
      folder,
      (text) => noted(text),
      (start): Link<UploadJob, string> =>
        openLink({
          name: 'the upload thread',
          body: body('upload-stand-in'),
          start: { ...start, dies: opened++ === 0 },
        }),
    )!;
    const outcome = async (tokens: number): Promise<string> => {
      const heard = new Promise<string>((resolve) => {
        noted = resolve;
      });
      await uploads.start(tokens, [], generation);
      return heard;
    };
    expect(await outcome(1_000)).toBe(
      'the upload thread ended unexpectedly with code 6 (training goes on; the next upload tries again)',
    );
    expect(await outcome(2_000)).toBe('uploaded 2,000 tokens to o/n, commit 11234567');
    expect(await outcome(3_000)).toBe('uploaded 3,000 tokens to o/n, commit 01234567');
    expect(opened).toBe(2);
    await uploads.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
