import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { repositoryFolder } from '../../../runner/hub/cache.ts';
import { download } from '../../../runner/hub/download.ts';
import { noise, on, withBench } from '../../hub/open.ts';

const BIG = noise(300_000);

test('a killed program leaves no half file under a name, and its part is continued', () =>
  withBench(async ({ hub, server }) => {
    const commit = server.put('o/n', { 'big.bin': { text: BIG, lfs: true } });
    server.faults.push({ on: 'cdn', times: 1, does: { kind: 'stall', after: 100_000 } });
    const program = fileURLToPath(new URL('../../hub/downloader.ts', import.meta.url));
    const child = spawn(process.execPath, [program, server.url, hub.settings.cacheFolder, 'o/n']);
    const ended = new Promise((done) => child.once('exit', (_code, signal) => done(signal)));
    for await (const lines of child.stdout) if (/(^|\n)100000\n/.test(String(lines))) break;
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');

    const folder = repositoryFolder(hub.settings, on('o/n'));
    const [part, ...others] = await readdir(join(folder, 'blobs'));
    expect(part).toMatch(new RegExp(`^[0-9a-f]{64}\\.[0-9a-f]{8}-${child.pid}-[0-9a-f]{16}\\.incomplete$`));
    expect(others).toEqual([]);
    expect(await readdir(folder)).not.toContain('snapshots');

    const result = await download(hub, { reference: on(`o/n@${commit}`) });
    expect(result.fetchedBytes).toBe(200_000);
    expect(await readFile(result.files[0]!.file)).toEqual(BIG);
    expect(await readdir(join(folder, 'blobs'))).toHaveLength(1);
  }));
