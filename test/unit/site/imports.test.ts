import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { circlesOf } from '../circles.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

interface Import {
  specifier: string;
  typeOnly: boolean;
}

/** Static, re-exported and dynamic imports of a source file, comments left out. */
function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const match of text.matchAll(
    /(?:^|[\s;{])(?:import|export)\s+(type\s)?[^'"();]*?from\s*['"]([^'"]+)['"]|(?:^|[\s;])import\s*\(?\s*['"]([^'"]+)['"]/g,
  )) {
    found.push({ specifier: match[2] ?? match[3] ?? '', typeOnly: match[1] !== undefined });
  }
  return found;
}

/** Every file and package reached from the given files. */
function reach(starts: readonly string[], types: boolean): { files: string[]; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [...starts];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    if (!/\.(?:ts|tsx|astro|mjs)$/.test(file)) continue;
    for (const { specifier, typeOnly } of importsOf(file)) {
      if (typeOnly && !types) continue;
      if (!specifier.startsWith('.')) {
        packages.add(specifier);
        continue;
      }
      const target = resolve(dirname(file), specifier);
      expect(existsSync(target), `${relative(root, file)} imports ${specifier}`).toBe(true);
      queue.push(target);
    }
  }
  return { files: [...files].map((file) => relative(root, file).split(sep).join('/')), packages };
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ts|tsx|astro)$/.test(name))
    .map((name) => join(root, folder, name));
}

describe('imports of the site', () => {
  const site = reach(sources('site'), true);

  const TOKENIZER = /^runner\/text\/tokenizer\//;

  it('reaches the record schema, and nothing of the runner outside runner/report and runner/math', () => {
    const runner = site.files.filter((file) => file.startsWith('runner/') && !TOKENIZER.test(file));
    expect(runner).toContain('runner/report/schema.ts');
    expect(runner.filter((file) => !/^runner\/(report|math)\//.test(file))).toEqual([]);
  });

  it('reaches the tokenizer from the worker of live pages alone, which needs nothing of Node', () => {
    const worker = join(root, 'site/live/worker.ts');
    const others = reach(
      sources('site').filter((file) => file !== worker),
      false,
    );
    expect(others.files.filter((file) => TOKENIZER.test(file))).toEqual([]);
    const live = reach([worker], false);
    expect(live.files).toContain('runner/text/tokenizer/pipeline.ts');
    expect([...live.packages].toSorted()).toEqual(['@huggingface/tokenizers', 'zod']);
  });

  it('stays inside site, runner/report, runner/math and the tokenizer, and uses few packages', () => {
    const outside = /^(?:site|runner\/report|runner\/math|runner\/text\/tokenizer)\//;
    expect(site.files.filter((file) => !outside.test(file))).toEqual([]);
    expect([...site.packages].toSorted()).toEqual(
      [
        '@huggingface/tokenizers',
        'astro',
        'astro:content',
        'd3',
        'hyparquet-writer',
        'node:crypto',
        'node:fs',
        'node:fs/promises',
        'node:module',
        'node:path',
        'onnxruntime-web/wasm',
        'sharp',
        'zod',
      ].toSorted(),
    );
  });

  it('has no files that import one another in a circle, types included', () => {
    const imports = sources('site').map((file): [string, string[]] => [
      file,
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolve(dirname(file), specifier)),
    ]);
    expect(imports.length).toBeGreaterThan(100);
    const circles = circlesOf(new Map(imports));
    expect(circles.map((each) => each.replaceAll(`${root}${sep}`, ''))).toEqual([]);
  });

  it('sends no zod to the browser, and no package but d3', () => {
    const islands = reach(sources('site/islands'), false);
    expect([...islands.packages].toSorted()).toEqual(['d3']);
    expect(islands.files).not.toContain('runner/report/schema.ts');
  });

  it('sends the front page neither a framework nor the definitions', () => {
    const of = (...names: string[]) =>
      reach(
        names.map((name) => join(root, `site/explorer/${name}.ts`)),
        false,
      );
    const all = of('explorer');
    expect([...all.packages]).toEqual(['d3']);
    expect(all.files).not.toContain('runner/report/schema.ts');
    expect(all.files).not.toContain('runner/report/definitions.ts');
    // What resamples are judged by needs them, in a worker that is started when it is asked.
    expect(of('stability-worker').files).toContain('runner/report/definitions.ts');
  });
});
