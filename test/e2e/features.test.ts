/** The page of an SAE's latents: found, walked along and read by keyboard, and without a script. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explanations, explanationsVersion } from '../../runner/report/explanations.ts';
import { writeFeatures } from '../../runner/report/feature-files.ts';
import { EXPLANATIONS_FILE } from '../../runner/report/feature-places.ts';
import type { Feature, FeatureShard } from '../../runner/report/features.ts';
import { record } from '../../runner/report/schema.ts';
import { madeFeature, madeIndex, madeShard } from '../unit/report/made-evidence.ts';
import { violationsOf } from './axe.ts';
import { howToEnable, launchBrowser } from './browser.ts';
import { buildSite } from './build-site.ts';
import { base, withPage } from './served-site.ts';
import { type StaticServer, serveFolder } from './static-server.ts';

const source = fileURLToPath(new URL('../fixtures/site/records/small-world-l0.json', import.meta.url));
const entry = record.parse(JSON.parse(await readFile(source, 'utf8')));
/** More than a shard. */
const LATENTS = 100;
const latents = Array.from({ length: LATENTS }, (_, i) => 2 * i);
const HOSTILE = '<img src=x onerror="window.hit=1">';

function featureOf(latent: number, place: number): Feature {
  return madeFeature({
    latent,
    histogram: { first: 0, counts: [4, 2, 1] },
    contexts: [
      { kind: 'top', row: place, start: 0, peak: 1, ids: [1, place % 7, 8], values: [0, 3, 0] },
      { kind: 'sampled', row: 0, start: 2, peak: 0, ids: [2, 1], values: [1, 0] },
    ],
    raised: [[8, 1]],
    lowered: [[9, -1]],
    neighbours: [[latents[(place + 70) % LATENTS]!, 0.5]],
  });
}

const index = madeIndex(
  {
    latent: latents,
    rate: latents.map((_, i) => (i + 1) / 1000),
    low: latents.map(() => 0.0005),
    high: latents.map(() => 0.2),
    max: latents.map((_, i) => 3 + i / 10),
    effect: latents.map((_, i) => (i % 9 === 0 ? i / 100 - 0.2 : null)),
    peaks: latents.map((_, i) => [i % 7]),
  },
  {
    sha256: entry.sae.sha256!,
    d_sae: 256,
    uses: [
      {
        suite: 'k-sparse',
        concept: `topic: ${HOSTILE}`,
        latents: [
          [20, 1.5],
          [1, -0.5],
        ],
      },
    ],
    tokens: {
      ...Object.fromEntries(
        ['Monday', 'Tuesday', 'red', 'blue', 'one', 'two', 'three'].map((each, i) => [i, ` ${each}`]),
      ),
      8: HOSTILE,
      9: '\u202egnp.exe',
    },
  },
);
const shard = (from: number): FeatureShard =>
  madeShard(
    latents.slice(from, from + 64).map((latent, i) => featureOf(latent, from + i)),
    entry.sae.sha256!,
  );

const explained = explanations.parse({
  schema: explanationsVersion,
  sha256: entry.sae.sha256,
  model: 'lab/explainer',
  made: '2026-01-31T12:00:00Z',
  prompts: { version: 'v1', explain: 'a', detection: 'b', fuzzing: 'c', autointerp: 'd' },
  seed: 0,
  requests: 3,
  tokens: null,
  unreadable: 2,
  latents: [
    {
      latent: 198,
      explanation: HOSTILE,
      scores: { detection: { correct: 9, of: 10 }, fuzzing: null, autointerp: null },
      shuffled: { detection: { correct: 5, of: 10 }, fuzzing: null, autointerp: null },
    },
  ],
  left_out: [],
  scores: [
    {
      protocol: 'detection',
      latents: 1,
      score: { value: 0.9, low: 0.8, high: 1 },
      shuffled: null,
      chance: 0.5,
    },
  ],
});

let folder: string;
let server: StaticServer;
const browser = await launchBrowser();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-features-'));
  const content = join(folder, 'content');
  await cp(source, join(content, 'measured/small-world-l0.json'));
  const files = {
    'index.json': index,
    '0.json': shard(0),
    '1.json': shard(64),
    [EXPLANATIONS_FILE]: explained,
  };
  const texts = Object.fromEntries(Object.entries(files).map(([name, each]) => [name, JSON.stringify(each)]));
  await writeFeatures(join(content, 'features/run'), new Map([[entry.id, texts]]));
  const out = join(folder, 'dist');
  const built = await buildSite({ content, out, cache: join(folder, 'cache'), base });
  expect(built.code, built.output).toBe(0);
  server = await serveFolder(out, base);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(
  path: string,
  use: (page: Page) => Promise<void>,
  options: { javaScriptEnabled?: boolean; colorScheme?: 'light' | 'dark' } = {},
): Promise<void> {
  await withPage(browser!, { server }, path, { viewport: { width: 390, height: 844 }, ...options }, use);
}

const page = `features/${entry.id}/`;

describe.skipIf(browser === null)(
  `latents in a browser${browser === null ? ` (${howToEnable})` : ''}`,
  () => {
    it('is linked from the SAE’s page, finds latents by token, and shows one with only its shard loaded', () =>
      open(`sae/${entry.id}/`, async (at) => {
        const loaded: string[] = [];
        at.on('request', (request) => loaded.push(new URL(request.url()).pathname));
        await at.getByRole('link', { name: 'What its latents fire on' }).click();
        await at.getByText('100 of 100 latents.').waitFor();
        await at.getByLabel('Find by token, concept, explanation or number').fill('tuesday');
        await at.getByText('15 of 100 latents.').waitFor();
        await at.getByLabel('Sort by').selectOption('max');
        const first = at.locator('#latent-list a').first();
        expect(await first.innerText()).toMatch(/^198\b/);
        const evidence = loaded.filter((path) => path.includes('/data/features/'));
        expect(evidence.map((path) => path.split('/').at(-1)).sort()).toEqual([
          'explanations.json',
          'index.json',
        ]);
        await first.focus();
        await at.keyboard.press('Enter');
        await at.locator('#latent h2', { hasText: 'Latent 198' }).waitFor();
        expect(await at.evaluate(() => document.activeElement?.textContent)).toBe('Latent 198');
        expect(loaded.filter((path) => path.endsWith('/1.json'))).toHaveLength(1);
        expect(loaded.filter((path) => path.endsWith('/0.json'))).toHaveLength(0);
        // A neighbour is a step along, and the address says where the reader is.
        await at.locator('#latent a[href="#latent=138"]').click();
        await at.locator('#latent h2', { hasText: 'Latent 138' }).waitFor();
        expect(new URL(at.url()).hash).toBe('#latent=138');
        await at.goBack();
        await at.locator('#latent h2', { hasText: 'Latent 198' }).waitFor();
      }));

    it('is walked along by keyboard, in the order of the list', () =>
      open(`${page}#latent=196`, async (at) => {
        await at.locator('#latent h2', { hasText: 'Latent 196' }).waitFor();
        await at.getByLabel('Sort by').selectOption('max');
        const walk = at.getByRole('navigation', { name: 'Along the latents found' });
        expect(await walk.innerText()).toMatch(/198\s+2 of 100\s+.*194/s);
        await walk.getByRole('link', { name: 'Next: latent 194' }).focus();
        for (const latent of [194, 192]) {
          await at.keyboard.press('Enter');
          await at.locator('#latent h2', { hasText: `Latent ${latent}` }).waitFor();
        }
        await at.getByLabel('Find by token, concept, explanation or number').fill('198');
        await walk.waitFor({ state: 'hidden' });
      }));

    it('picks the dot nearest to a pointer, as fingers are wider than dots', () =>
      open(page, async (at) => {
        const dot = at.locator('#latent-map [data-latent="198"]');
        await dot.scrollIntoViewIfNeeded();
        const { x, y, width } = (await dot.boundingBox())!;
        await at.mouse.click(x + width / 2, y - 4);
        await at.locator('#latent h2', { hasText: 'Latent 198' }).waitFor();
        await at.mouse.click(x - 60, y + 60);
        expect(new URL(at.url()).hash).toBe('#latent=198');
      }));

    it('shows hostile tokens as text, and says of others that there is no evidence', () =>
      open(`${page}#latent=0`, async (at) => {
        await at.locator('#latent h2', { hasText: 'Latent 0' }).waitFor();
        const text = await at.locator('#latent').innerText();
        expect(text).toContain(HOSTILE);
        expect(text).toContain('⟨U+202E⟩gnp.exe');
        expect(await at.evaluate(() => Reflect.get(window, 'hit'))).toBeUndefined();
        // By the concept that uses it, and on the map of effects.
        await at.getByLabel('Find by token, concept, explanation or number').fill('topic');
        await at.getByText('1 of 100 latents.').waitFor();
        await at.getByLabel('Sort by').selectOption('effect');
        expect(await at.locator('#latent-map circle').count()).toBe(12);
        await at.locator('#latent-list a').first().click();
        await at.locator('#latent h2', { hasText: 'Latent 20' }).waitFor();
        expect(await at.locator('#latent').innerText()).toContain(`topic: ${HOSTILE}`);
        await at.goto(`${server.url}${page}#latent=7`);
        await at.getByText('There is no evidence of it here').waitFor();
      }));

    it('can be read without a script', () =>
      open(
        page,
        async (at) => {
          expect(await at.locator('#latents').isVisible()).toBe(false);
          expect(await at.locator('article.latent:visible h2').count()).toBe(8);
          expect(await at.locator('.latent-concepts').innerText()).toContain(HOSTILE);
          expect(await at.locator('.latent-concepts a').allInnerTexts()).toEqual(['20']);
          expect(await at.locator('.latent-explained').innerText()).toContain(HOSTILE);
          const said = at.locator('.explained');
          expect(await said.innerText()).toMatch(
            /lab\/explainer .*explained 1 latent from[\s\S]*2 answers could/,
          );
          expect(await said.locator('tbody tr > *').allInnerTexts()).toEqual([
            ...['detection', '1', '0.900 (0.800–1.000)', 'n/a', '0.500'],
          ]);
        },
        { javaScriptEnabled: false },
      ));

    it.each(['light', 'dark'] as const)(
      'has no violation axe knows of, %s, and fits a phone',
      (colorScheme) =>
        open(
          `${page}#latent=0`,
          async (at) => {
            await at.locator('#latent h2').waitFor();
            expect((await violationsOf(at, colorScheme)).violations).toEqual([]);
            expect(await at.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
          },
          { colorScheme },
        ),
    );
  },
);
