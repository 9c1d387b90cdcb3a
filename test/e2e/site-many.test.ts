/** The site of a thousand SAEs: what its pages weigh, that every one of them is built, and that all can use them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '../../site/lib/columns-of.ts';
import { manyRecords, writeMany } from '../fixtures/site/make_many.ts';
import { slowTest } from '../sample.ts';
import { violationsOf } from './axe.ts';
import { howToEnable, launchBrowser } from './browser.ts';
import { buildSite } from './build-site.ts';
import { budgets, builtFiles, gzipped, scriptBytes } from './site-bytes.ts';
import { serveFolder } from './static-server.ts';

const MANY = 1_000;
/** Milliseconds for a build, which takes a minute and more on two cores, and for a page of each kind in both themes. */
const PATIENCE = 1_800_000;
const base = '/board/';

const FIRST_TWO = 'sae=many-00000&sae=many-00006';

/** One page of each kind, as it opens, in both themes: nothing that axe knows of, and nothing that scrolls sideways on a phone. */
async function isAccessible(out: string, paths: readonly string[]): Promise<void> {
  const browser = await launchBrowser();
  if (browser === null) return console.warn(`pages were not opened: ${howToEnable}`);
  const server = await serveFolder(out, base);
  try {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ colorScheme, viewport: { width: 390, height: 844 } });
      page.setDefaultTimeout(300_000);
      for (const path of paths) {
        await page.goto(server.url + path, { waitUntil: 'load' });
        if (path.endsWith(FIRST_TWO)) await page.getByRole('table', { name: /side by side/ }).waitFor();
        const { violations } = await violationsOf(page, colorScheme);
        expect({ path, violations }).toEqual({ path, violations: [] });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect({ path, wide }).toEqual({ path, wide: 390 });
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

describe(`the site of ${MANY} SAEs`, () => {
  it('has first data within its budget', () => {
    // Ranked by their intervals, which takes a moment where resamples take many.
    const records = manyRecords(MANY).map(({ paired: _, ...entry }) => entry);
    const columns = columnsOf(records);
    expect(columns.rank.best.filter((rank) => rank !== null).length).toBeGreaterThan(MANY / 2);
    const bytes = gzipSync(JSON.stringify(columns)).byteLength;
    expect(bytes).toBeLessThanOrEqual(budgets.firstData);
    // Of records alike it would be next to nothing, and say nothing.
    expect(bytes).toBeGreaterThan(20_000);
  });

  slowTest(
    'is built, each page within its budget',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'interpboard-many-'));
      try {
        const content = join(folder, 'content');
        writeMany(MANY, content);
        const out = join(folder, 'dist');
        const build = await buildSite({ content, out, cache: join(folder, 'cache'), base });
        expect(build.code, build.output).toBe(0);
        const { pages } = builtFiles(out);
        expect(pages.filter((page) => page.startsWith('sae/'))).toHaveLength(MANY);
        expect(gzipped(join(out, 'index.html'))).toBeLessThanOrEqual(budgets.frontHtml);
        expect(scriptBytes(out, 'index.html', base)).toBeLessThanOrEqual(budgets.frontScripts);
        expect(gzipped(join(out, 'data/explorer.json'))).toBeLessThanOrEqual(budgets.firstData);
        const columns = JSON.parse(await readFile(join(out, 'data/explorer.json'), 'utf8'));
        expect(columns.count).toBe(MANY);
        const kinds = new Map(pages.map((page) => [page.replace(/\/[^/]+\/index/, '/*/index'), page]));
        for (const page of kinds.values()) {
          if (page === 'index.html') continue;
          expect(scriptBytes(out, page, base), page).toBeLessThanOrEqual(budgets.pageScripts);
          expect(gzipped(join(out, page)), page).toBeLessThanOrEqual(budgets.frontHtml);
        }
        await isAccessible(out, [...kinds.values(), `compare/?${FIRST_TWO}`]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    PATIENCE,
  );
});
