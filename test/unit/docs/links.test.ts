import { readdir, readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';
import { families } from '../../../runner/lm/families/index.ts';
import { readPages, root } from './pages.ts';

/** Ids that GitHub gives the headings of a page. */
function headings(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

it('links between pages lead to files that are there, and to headings', async () => {
  const pages = await readPages();
  const broken: string[] = [];
  let count = 0;
  for (const { path, text } of pages) {
    const prose = text.replace(/^ {4}.*$/gm, '').replace(/```.*?```/gs, '');
    for (const [, target] of prose.matchAll(/(?:\]\(|src(?:set)?=")([^)"\s]+)[)"]/g)) {
      if (/^https:/.test(target!)) continue;
      count++;
      const [file = '', anchor] = target!.split('#');
      const to = file === '' ? path : posix.join(posix.dirname(path), file);
      const there = await stat(join(root, to)).catch(() => null);
      const known = anchor === undefined || headings(await readFile(join(root, to), 'utf8')).has(anchor);
      if (there === null || to.startsWith('..') || !known) broken.push(`${path}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
  expect(count).toBeGreaterThan(40);
});

it('every page of docs/ is reached from its first one', async () => {
  const pages = new Map((await readPages()).map(({ path, text }) => [path, text]));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path) || !pages.has(path)) return;
    reached.add(path);
    for (const [, target] of pages.get(path)!.matchAll(/\]\(([^)#\s]+)/g))
      visit(posix.join(posix.dirname(path), target!));
  };
  visit('docs/README.md');
  expect([...pages.keys()].filter((path) => path.startsWith('docs/') && !reached.has(path))).toEqual([]);
});

it('what troubleshooting quotes is in the program', async () => {
  const files = (await readdir(join(root, 'runner'), { recursive: true })).filter((name) =>
    /\.(?:ts|mjs)$/.test(name),
  );
  const program = (await Promise.all(files.map((name) => readFile(join(root, 'runner', name), 'utf8')))).join(
    '\n',
  );
  const page = (await readPages()).find(({ path }) => path === 'docs/troubleshooting.md')!;
  const quoted = [...page.text.matchAll(/^`(.*)`\n: /gm)].map(([, text]) => text!);
  expect(quoted.length).toBeGreaterThan(15);
  // In the program "found" and "expected" stand between two parts of a message, and what differs is an expression.
  const parts = quoted
    .flatMap((text) => text.replace(/^(?:expected|found) /, '').split(/ ?… ?/))
    .filter((part) => part !== '');
  expect(parts.filter((part) => !program.includes(part))).toEqual([]);
});

it('the README stays one page', async () => {
  const readme = (await readPages()).find(({ path }) => path === 'README.md')!;
  expect(readme.text.split(/\s+/).length).toBeLessThanOrEqual(700);
});

it('every family of language models is named where families are listed', async () => {
  const pages = new Map((await readPages()).map(({ path, text }) => [path, text]));
  const names = new Set(Object.keys(families).map((type) => type.replace(/_text$/, '')));
  for (const path of ['docs/benchmarks.md', 'docs/guides/published-sae.md'])
    expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(pages.get(path)!))).toEqual([]);
});

it('every package has its reason, and every reason its package', async () => {
  const page = (await readPages()).find(({ path }) => path === 'docs/dependencies.md')!;
  const named = [...page.text.matchAll(/^\| ([@a-z][^|]*) \|/gm)].flatMap(([, names]) =>
    names!.replace(/ and siblings/, '').split(', '),
  );
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const installed = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  const needed = installed.filter((name) => !name.startsWith('@types/'));
  expect(needed.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => !needed.includes(name) && !(name in manifest.optionalDependencies))).toEqual([
    'package',
  ]);
});

it('every benchmark is named where benchmarks are listed', async () => {
  const page = (await readPages()).find(({ path }) => path === 'docs/benchmarks.md')!;
  const names = (await readdir(join(root, 'test/bench')))
    .filter((name) => name.endsWith('.ts') && name !== 'run.ts')
    .map((name) => name.slice(0, -'.ts'.length));
  const listed = new Set(
    page.text.match(/npm run bench -- [\w -]+/g)?.flatMap((line) => line.split(' ').slice(4)),
  );
  expect(names.filter((name) => !listed.has(name))).toEqual([]);
});
