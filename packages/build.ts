/**
 * `npm run packages`: the two packages that are published, as folders for `npm pack` and `npm publish`.
 *
 *     dist-packages/interpboard            the program: command line, pages of the report, library
 *     dist-packages/interpboard-library    the library alone, without Astro and React
 *
 * Node runs TypeScript as it is, but not inside node_modules, so runner/ goes in as JavaScript under the same paths. Pages
 * stay as they are: Astro compiles them where they lie, with the modules of runner/ that they import.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { libraryManifest, type Manifest, programManifest, repositoryOf } from './manifests.ts';
import { reachOf } from './reach.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist-packages');
const compiled = join(out, 'compiled');

const NOTICES = ['LICENSE', 'NOTICE', 'CHANGELOG.md'];
const LIBRARY = 'runner/library/index.js';

/** Files below a folder of the repository, by their paths from the root. */
function filesOf(folder: string, from = root): string[] {
  return readdirSync(join(from, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => statSync(join(from, path)).isFile());
}

function copy(files: Iterable<string>, from: string, to: string): void {
  for (const file of files) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(from, file), join(to, file));
  }
}

/** Of what the compiler leaves as it is: workers and programs that are started by their file. */
function nameJavaScript(file: string): void {
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(/(new URL\('\.[^']+)\.ts(', import\.meta\.url\))/g, '$1.js$2');
  if (changed !== text) writeFileSync(file, changed);
}

/** Data that modules read; what only makes it stays behind. */
const data = filesOf('runner').filter(
  (path) => /\.(?:json|wasm|safetensors|mjs)$/.test(path) && !path.startsWith('runner/demo/training/'),
);

function buildProgram(source: Manifest, types: readonly string[]): void {
  const folder = join(out, source.name);
  const site = [...filesOf('site'), ...filesOf('public')];
  const shared = reachOf(root, site, /\.(?:ts|astro)$/).files;
  copy(
    filesOf('runner', compiled).filter((path) => path.endsWith('.js')),
    compiled,
    folder,
  );
  copy(
    filesOf('site', compiled).filter((path) => path.endsWith('.js')),
    compiled,
    folder,
  );
  copy(types, compiled, join(folder, 'types'));
  copy(new Set([...data, ...site, ...shared, ...NOTICES, 'README.md']), root, folder);
  copy([...filesOf('docs').filter((path) => !/reference\/.*\.ts$/.test(path))], root, folder);
  copy(filesOf('content/published'), root, folder);
  // Node reads the configuration, and what it imports, itself.
  const config = readFileSync(join(root, 'astro.config.mjs'), 'utf8');
  writeFileSync(join(folder, 'astro.config.mjs'), config.replace("integrations.ts'", "integrations.js'"));
  writeManifest(folder, programManifest(source, repositoryOf(process.env)));
}

function buildLibrary(source: Manifest, types: readonly string[]): void {
  const folder = join(out, `${source.name}-library`);
  const { files, packages } = reachOf(compiled, [LIBRARY], /\.js$/);
  copy(files, compiled, folder);
  copy(types, compiled, join(folder, 'types'));
  copy(
    data.filter((path) => path.startsWith('runner/demo/model/')),
    root,
    folder,
  );
  copy(NOTICES, root, folder);
  writeFileSync(join(folder, 'README.md'), readFileSync(join(root, 'docs/library.md')));
  writeManifest(folder, libraryManifest(source, packages, repositoryOf(process.env)));
}

function writeManifest(folder: string, manifest: object): void {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

rmSync(out, { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.packages.json')], {
  stdio: 'inherit',
});
if (status === 0) {
  for (const file of filesOf('runner', compiled).filter((path) => path.endsWith('.js')))
    nameJavaScript(join(compiled, file));
  const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const types = [...reachOf(compiled, ['runner/library/index.d.ts'], /\.d\.ts$/).files];
  buildProgram(source, types);
  buildLibrary(source, types);
  rmSync(compiled, { recursive: true });
}
process.exitCode = status ?? 1;
