import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { adapters } from '../../runner/sae/checkpoints/adapters.ts';
import { circlesOf } from './circles.ts';

const runner = fileURLToPath(new URL('../../runner/', import.meta.url));

interface SourceFile {
  /** Path from runner/, with / between folders. */
  path: string;
  room: string;
  /** What it imports: `node:fs`, a package, or a path from runner/. Types too: they bind as well. */
  imports: string[];
}

const files: SourceFile[] = readdirSync(runner, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.(ts|mjs)$/.test(path))
  .map((path) => {
    const text = readFileSync(resolve(runner, path), 'utf8');
    const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      ([, specifier]) => specifier!,
    );
    const imports = specifiers.map((specifier) =>
      specifier.startsWith('.')
        ? relative(runner, resolve(runner, dirname(path), specifier)).replaceAll('\\', '/')
        : specifier,
    );
    return { path, room: path.includes('/') ? path.slice(0, path.indexOf('/')) : '', imports };
  });

function importers(match: (specifier: string) => boolean, except: (file: SourceFile) => boolean): string[] {
  return files
    .filter((file) => !except(file))
    .flatMap((file) => file.imports.filter(match).map((specifier) => `${file.path} -> ${specifier}`));
}

describe('rooms of the runner', () => {
  it('are there to be checked', () => {
    expect(files.length).toBeGreaterThan(80);
    expect(files.find(({ path }) => path === 'onnx/binding/package.ts')?.imports).toContain(
      'onnxruntime-node',
    );
  });

  it.each([
    ['onnxruntime', 'onnx/binding/package.ts'],
    ['koffi', 'onnx/binding/c-api/library.ts'],
  ])('load %s in one file', (name, place) => {
    expect(
      importers(
        (specifier) => specifier.startsWith(name),
        ({ path }) => path === place,
      ),
    ).toEqual([]);
    expect(files.find(({ path }) => path === place)?.imports).toContain(
      name === 'koffi' ? 'koffi' : `${name}-node`,
    );
  });

  it.each(['metrics', 'probes', 'math', 'formats', 'suites'])(
    '%s knows no file system, network or runtime',
    (room) => {
      const outside = /^node:(fs|http|https|net|child_process|worker_threads)|^(onnx|hub|commands|job|lm)\//;
      expect(
        importers(
          (specifier) => outside.test(specifier),
          (file) => file.room !== room,
        ),
      ).toEqual([]);
    },
  );

  it('name a format of SAEs in its adapter alone', () => {
    const named = new RegExp(`'(?:${adapters.map(({ format }) => format).join('|')})'`);
    const naming = files
      .map(({ path }) => path)
      .filter((path) => named.test(readFileSync(runner + path, 'utf8')));
    expect(naming.filter((path) => !path.startsWith('sae/checkpoints/'))).toEqual([]);
    expect(naming).toHaveLength(new Set(adapters.map(({ format }) => format)).size);
  });

  it('math has no domain words: it imports nothing of the other rooms', () => {
    expect(
      importers(
        (specifier) => !specifier.startsWith('math/') && specifier !== 'errors.ts',
        (file) => file.room !== 'math',
      ),
    ).toEqual([]);
  });

  it.each([
    ['the command line', /^(commands|cli)/, ['', 'commands']],
    ['the job', /^job\//, ['commands', 'job']],
    ['training', /^train\//, ['job', 'train', 'config', 'doctor']],
    ['evaluation', /^evaluation\//, ['job', 'evaluation']],
  ] as const)('only the rooms above reach %s', (_name, target, allowed) => {
    expect(
      importers(
        (specifier) => target.test(specifier),
        (file) => (allowed as readonly string[]).includes(file.room),
      ),
    ).toEqual([]);
  });

  it('those of the job lie above one another, and what they share below all of them', () => {
    /** What each may import of the others. */
    const below: Readonly<Record<string, readonly string[]>> = {
      shared: [],
      'training-data': ['shared'],
      evaluation: ['shared'],
      release: ['shared'],
      run: ['shared', 'training-data', 'evaluation', 'release'],
      shards: ['shared', 'training-data', 'evaluation', 'release', 'run'],
    };
    const roomOf = (path: string): string | undefined => /^job\/([^/]+)\//.exec(path)?.[1];
    const inside = files.filter(({ path }) => path.startsWith('job/'));
    expect([...new Set(inside.map(({ path }) => roomOf(path)))].sort()).toEqual(Object.keys(below).sort());
    const upward = inside.flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith('job/'))
        .filter((specifier) => ![roomOf(path)!, ...below[roomOf(path)!]!].includes(roomOf(specifier)!))
        .map((specifier) => `${path} -> ${specifier}`),
    );
    expect(upward).toEqual([]);
  });

  it('import one another in no circle, types included', () => {
    expect(circlesOf(new Map(files.map(({ path, imports }) => [path, imports])))).toEqual([]);
  });
});

it('unit tests replace no modules: what one file loads another one is given (test/shared-process.ts)', () => {
  const tests = fileURLToPath(new URL('./', import.meta.url));
  const replacing = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .filter((path) =>
      /\bvi\.(?:mock|doMock|resetModules)\(/.test(readFileSync(resolve(tests, path), 'utf8')),
    );
  expect(replacing).toEqual([]);
});
