/**
 * `npm run library`: the package's entry point as JavaScript with types, in dist-lib. Node runs TypeScript as it is, but
 * not inside node_modules, so a project that depends on this one needs the built form: `npm run library && npm pack`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const out = join(root, 'dist-lib');
rmSync(out, { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '--project', join(root, 'tsconfig.library.json')], {
  stdio: 'inherit',
});
if (status === 0)
  cpSync(join(root, 'runner', 'demo', 'model'), join(out, 'demo', 'model'), { recursive: true });
process.exitCode = status ?? 1;
