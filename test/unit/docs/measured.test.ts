import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { measuredRows, withMeasured } from '../../bench/parts/measured.ts';
import { root } from './pages.ts';

const measured = {
  name: 'lm',
  options: [],
  output: 'Abacus 3, 2 cores\nlosses  1 thread  12.5 ms,  900 tokens/s\nlosses | both\n',
  processor: 'Abacus 3',
  cores: 2,
  date: '2026-01-31',
};

it('a benchmark’s figures are one row of the page, which the next run replaces', async () => {
  const page = await readFile(join(root, 'docs/benchmarks.md'), 'utf8');
  const once = withMeasured(page, measured);
  const row = (text: string) =>
    text.split('\n').filter((line) => line.startsWith('| `npm run bench -- lm` |'));
  expect(row(once).at(-1)).toBe(
    '| `npm run bench -- lm` | losses 1 thread 12.5 ms, 900 tokens/s<br>losses \\| both | Abacus 3, 2 cores | 2026-01-31 |',
  );
  const again = withMeasured(once, { ...measured, date: '2026-02-01' });
  expect(row(again)).toHaveLength(row(once).length);
  expect(again).toContain('2026-02-01 |');
  // All else stays as it was.
  expect(withMeasured(again, measured)).toBe(once);
  const peer = { ...measured, name: 'second-sae', options: ['--k', '4'], output: 'a\nsecond / first 30 %\n' };
  expect(withMeasured(once, peer)).toContain(
    '| `npm run bench -- second-sae --k 4` | second / first 30 % | Abacus 3, 2 cores |',
  );
});

it('the page’s table has rows of figures alone', async () => {
  const page = await readFile(join(root, 'docs/benchmarks.md'), 'utf8');
  expect(measuredRows(page).length).toBeGreaterThan(5);
  const described = page.replace('<!-- end of', '| `npm run bench -- lm` | what it is about |\n<!-- end of');
  expect(() => measuredRows(described)).toThrow('no row of measured figures: | `npm run bench -- lm` |');
  expect(() => withMeasured(described, measured)).toThrow('no row of measured figures');
});

it('an output without figures, and a page without the table, are errors', () => {
  expect(() => withMeasured('page', measured)).toThrow('on the page');
  const page = '<!-- measured: npm run bench -- NAME --write -->\n<!-- end of measured -->';
  expect(() => withMeasured(page, { ...measured, output: 'Abacus 3\n' })).toThrow('no figures');
});
