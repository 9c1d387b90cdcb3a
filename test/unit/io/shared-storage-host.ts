/**
 * A host at work on shared storage, for shared-storage.test.ts: `node … HOST FOLDER HUB ROUNDS`. To the program it is on the
 * machine of that name. Writes what it saw as one line of JSON.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { download } from '../../../runner/hub/download.ts';
import { parseReference } from '../../../runner/hub/reference.ts';
import { readHubSettings } from '../../../runner/hub/settings.ts';
import { openHub } from '../../../runner/hub/transport.ts';
import { openContentCache } from '../../../runner/io/content-cache.ts';
import { whileOwned } from '../../../runner/io/folder-owner.ts';
import { thisMachine } from '../../../runner/io/process-identity.ts';
import { rebuildFolder } from '../../../runner/io/rebuilt-folder.ts';
import { random } from '../../../runner/math/random.ts';

const [host = '', folder = '', endpoint = '', rounds = ''] = process.argv.slice(2);
// Whatever is told by the machine, as who owns a lock or a half-made file, is told by this name from here on.
thisMachine.host = host;
const draw = random(host, process.pid);

/** What is kept under a key: anybody can tell whether it is that. */
function contentOf(key: number): Uint8Array {
  return new Uint8Array(20_000 + 500 * key).fill(key + 1);
}

/** Entries that are put, read and pushed out by all hosts at a time. */
async function cached(): Promise<{ hits: number; wrong: number; damaged: number }> {
  let [hits, wrong] = [0, 0];
  const cache = await openContentCache(join(folder, 'cache'), 400_000, 'program');
  for (let i = 0; i < 4 * Number(rounds); i++) {
    const key = draw.integer(20);
    const found = await cache.get(String(key));
    if (found === undefined) cache.put(String(key), contentOf(key));
    else {
      hits++;
      if (!Buffer.from(found).equals(contentOf(key))) wrong++;
    }
    if (i % 5 === 0) await cache.settled();
  }
  await cache.settled();
  return { hits, wrong, damaged: cache.counts.damaged };
}

/** A number that is read, held for a moment, and written with one more. */
async function counted(): Promise<void> {
  const path = join(folder, 'owned', 'count');
  for (let i = 0; i < Number(rounds); i++) {
    await whileOwned(
      join(folder, 'owned'),
      async () => {
        const count = Number(await readFile(path, 'utf8').catch(() => '0'));
        await wait(draw.integer(3));
        await writeFile(path, String(count + 1));
      },
      { patience: 120_000 },
    );
  }
}

/** A folder that is made as a whole, as the site is. @returns how often parts of two were seen beside one another */
async function rebuilt(): Promise<number> {
  const at = join(folder, 'site');
  let mixed = 0;
  for (let i = 0; i < Number(rounds) / 2; i++) {
    const own = `${host} ${process.pid} ${i}`;
    await rebuildFolder(at, async (made) => {
      await mkdir(made, { recursive: true });
      for (let file = 0; file < 5; file++) await writeFile(join(made, String(file)), own);
    });
    const names = await readdir(at).catch(() => []);
    if (names.length !== 0 && names.length !== 5) mixed++;
  }
  return mixed;
}

/** The same files of a repository, by all hosts at once. */
async function downloaded(): Promise<string[]> {
  const settings = await readHubSettings({ HF_ENDPOINT: endpoint, HF_HOME: join(folder, 'hub') }, folder);
  const reference = parseReference('owner/name', { exists: () => false, home: folder });
  if (reference.kind !== 'hub') throw new Error('a reference of the hub');
  const { files } = await download(openHub({ settings }), { reference });
  return Promise.all(files.map(async ({ path, file }) => `${path} ${(await readFile(file)).length}`));
}

const files = await downloaded();
const [cache, , mixed] = await Promise.all([cached(), counted(), rebuilt()]);
console.log(JSON.stringify({ files, cache, mixed }));
