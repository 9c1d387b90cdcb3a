/** The packages as npm unpacks them: built, packed, and laid into node_modules with the packages that they ask for beside them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './program.ts';

const node = process.execPath;

export interface Packed {
  name: string;
  /** Of the file that npm fetches. */
  bytes: number;
  files: string[];
  tarball: string;
}

/** npm is a script; the file that starts it has another name on Windows. */
export function npm(words: readonly string[], cwd: string): string {
  const path = process.env.npm_execpath;
  const [program, ...first] = path === undefined ? ['npm'] : [node, path];
  return execFileSync(program, [...first, ...words], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** @returns by their names; `remove` when done */
export function packPackages(): { packages: ReadonlyMap<string, Packed>; remove(): void } {
  execFileSync(node, ['runner/launch.mjs', 'packages/build.ts'], { cwd: root, stdio: 'inherit' });
  const folder = mkdtempSync(join(tmpdir(), 'interpboard-packed-'));
  const packages = ['interpboard', 'interpboard-library'].map((name) => {
    const said = npm(['pack', '--json', '--pack-destination', folder], join(root, 'dist-packages', name));
    const [{ filename, size, files }] = JSON.parse(said);
    const paths = files.map(({ path }: { path: string }) => path);
    return { name, bytes: size as number, files: paths as string[], tarball: join(folder, filename) };
  });
  return {
    packages: new Map(packages.map((each) => [each.name, each])),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A project that depends on a package, and has nothing but what that asks for. Nothing is fetched: it is linked from here. */
export function dependant({ name, tarball }: Packed): string {
  const project = mkdtempSync(join(tmpdir(), 'dependant-'));
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, name), { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', join('node_modules', name)], {
    cwd: project,
  });
  const manifest = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
  for (const needed of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, needed)), { recursive: true });
    symlinkSync(join(root, 'node_modules', needed), join(modules, needed), 'junction');
  }
  const own = { type: 'module', private: true, dependencies: { [name]: manifest.version } };
  writeFileSync(join(project, 'package.json'), JSON.stringify(own));
  return project;
}
