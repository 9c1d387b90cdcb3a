import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shortHash, thisMachine } from '../../../runner/io/process-identity.ts';
import { isAbandoned, sweepAbandoned, temporaryName } from '../../../runner/io/temporary-name.ts';

test('what killed processes left is swept, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-temporary-'));
  try {
    const here = shortHash(thisMachine.host);
    const own = temporaryName('own');
    const left = [
      // Its process is gone, or has the number of one that runs and another start.
      [`dead.${here}-4194305-0123456789abcdef.tmp`, 0],
      [`dead.${here}-4194305-0123456789abcdef.incomplete`, 0],
      [`reused.${here}-${process.pid}-0123456789abcdef.tmp`, 0],
      // Of another machine, or of an earlier version, and old.
      ['elsewhere.00000000-7-0123456789abcdef.tmp', 4_000],
      ['earlier.7.01234567.tmp', 4_000],
    ] as const;
    const kept = [
      [own, 4_000],
      ['young.00000000-7-0123456789abcdef.tmp', 60],
      ['young.7.01234567.tmp', 60],
      ['of the user.tmp', 1e6],
      ['to go on from.incomplete', 1e6],
    ] as const;
    await mkdir(join(folder, 'in'));
    for (const [name, seconds] of [...left, ...kept]) {
      const path = join(folder, 'in', name);
      await writeFile(path, '');
      const then = Date.now() / 1000 - seconds;
      await utimes(path, then, then);
    }
    await mkdir(join(folder, `folder.${here}-4194305-0123456789abcdef.tmp`, 'in'), { recursive: true });
    await sweepAbandoned(folder);
    expect((await readdir(join(folder, 'in'))).sort()).toEqual(kept.map(([name]) => name).sort());
    expect(await readdir(folder)).toEqual(['in']);
    expect(await isAbandoned(temporaryName(join(folder, 'blob'), 'incomplete'))).toBe(false);
    expect(await isAbandoned(`blob.${here}-4194305-0123456789abcdef.incomplete`)).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
