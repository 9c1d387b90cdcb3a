import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { referencePages } from '../../../docs/reference/write.ts';

it('the reference and NOTICE are what the code says', async () => {
  const pages = await referencePages();
  expect(pages.size).toBe(6);
  for (const [name, text] of pages) {
    const committed = await readFile(new URL(`../../../docs/reference/${name}`, import.meta.url), 'utf8');
    expect(committed === text, `${name} is of an earlier state: npm run docs writes it anew`).toBe(true);
  }
});

it('it says of each setting what it takes, and of each definition what it is', async () => {
  const pages = await referencePages();
  expect(pages.get('settings.md')).toMatch(
    /^\| `spill` \| "float32", "bfloat16" \| "float32" \| residuals on disk/m,
  );
  const rows = pages.get('settings.md')!.match(/^\| `.*$/gm)!;
  expect(rows.length).toBeGreaterThan(120);
  expect(rows.filter((row) => /\| *\|$/.test(row))).toEqual([]);
  // A list of a hundred names is cut, a short one is not.
  expect(rows.find((row) => row.startsWith('| `suites.sae-probes.tasks`'))).toMatch(/… \(113 in all\)/);
  expect(rows.filter((row) => row.length > 900)).toEqual([]);
  expect(pages.get('definitions.md')).toContain('### `var_exp@pooled-v1`');
  expect(pages.get('record.md')).toMatch(/^\| `sae\.d_sae` \| integer/m);
  expect(pages.get('errors.md')).toMatch(/\| 3 \| MalformedError \|/);
  expect(pages.get('commands.md')).toContain('--dry-run');
});
