import { expect, it } from 'vitest';
import { checkUpload } from '../../../runner/commands/check-upload.ts';

const upload = { repository: '/a/folder', everyTokens: 1, private: true };

it('a run that trains no SAE has nothing to upload, unless it is a part whose records are merged', async () => {
  await expect(checkUpload({ train: false, upload }, false)).rejects.toThrow(
    /upload\.repository: found ".*" for a run that trains no SAE; .*--site/,
  );
  // What else is wrong with it is said of both.
  for (const [train, shard] of [
    [true, false],
    [true, true],
    [false, true],
  ] as const)
    await expect(checkUpload({ train, upload }, shard)).rejects.toThrow(/found .*a place on this machine/);
  await checkUpload({ train: false, upload: { ...upload, repository: null } }, false);
});
