/** A download in a process of its own, for a test to kill: arguments are endpoint, cache folder and reference. */
import { download } from '../../runner/hub/download.ts';
import { openHub } from '../../runner/hub/transport.ts';
import { on } from './open.ts';

const [endpoint = '', cacheFolder = '', reference = ''] = process.argv.slice(2);
const settings = { endpoint, token: null, cacheFolder, offline: false, symlinks: true };
await download(openHub({ settings }), {
  reference: on(reference),
  onProgress: ({ bytes }) => process.stdout.write(`${bytes}\n`),
});
