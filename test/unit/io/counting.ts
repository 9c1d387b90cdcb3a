/** Adds a character to a file so often, reading and writing it anew each time, as the folder's owner; says so by a dot. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { whileOwned } from '../../../runner/io/folder-owner.ts';
import { writeAtomic } from '../../../runner/io/write-atomic.ts';

const [folder = '', turns = '0'] = process.argv.slice(2);
const file = join(folder, 'count');
for (let turn = 0; turn < Number(turns); turn++) {
  await whileOwned(
    folder,
    async () => {
      const text = await readFile(file, 'utf8').catch(() => '');
      await writeAtomic(file, `${text}x`);
      process.stdout.write('.');
    },
    { patience: 60_000 },
  );
}
