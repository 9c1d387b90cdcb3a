/** The live page in a browser: its latents, and what changing one does, are the runner's own. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoModelFolder, demoRow } from '../../runner/demo/index.ts';
import { hookOf } from '../../runner/hook.ts';
import { writeLive } from '../../runner/job/release/live.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import type { LanguageModel } from '../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { random } from '../../runner/math/random.ts';
import { record } from '../../runner/report/schema.ts';
import { writeRelease } from '../../runner/sae/checkpoints/reference-release.ts';
import { saeSha256 } from '../../runner/sae/content-hash.ts';
import { type OpenSae, openSae } from '../../runner/sae/open-sae.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { loadTokenizer, type Tokenizer } from '../../runner/text/tokenizer.ts';
import type { Next } from '../../site/live/messages.ts';
import { violationsOf } from './axe.ts';
import { howToEnable, launchBrowser } from './browser.ts';
import { buildSite } from './build-site.ts';
import { base, withPage } from './served-site.ts';
import { type StaticServer, serveFolder } from './static-server.ts';

const source = fileURLToPath(new URL('../fixtures/site/records/small-world-l0.json', import.meta.url));
const HOSTILE = '<img src=x onerror="window.hit=1"> \u202egnp.exe';
const LAYER = 2;
const K = 8;

function saeOf() {
  const [d_in, d_sae] = [128, 256];
  const stream = random('live page');
  const W_enc = Float32Array.from({ length: d_in * d_sae }, () => (stream.next() - 0.5) / Math.sqrt(d_in));
  const W_dec = new Float32Array(d_sae * d_in);
  for (let row = 0; row < d_in; row++)
    for (let latent = 0; latent < d_sae; latent++) W_dec[latent * d_in + row] = W_enc[row * d_sae + latent]!;
  const b_dec = Float32Array.from({ length: d_in }, () => (stream.next() - 0.5) / 10);
  return topKSae({ d_in, d_sae, k: K, W_enc, W_dec, b_enc: new Float32Array(d_sae), b_dec });
}

let folder: string;
let server: StaticServer;
let model: LanguageModel;
let tokenizer: Tokenizer;
let sae: OpenSae;
const browser = await launchBrowser();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-live-'));
  const given = saeOf();
  const details = { k_aux: 1, alpha_aux: 0, hook_name: 'x', model_name: 'x', tokens_seen: 1, step: 1 };
  await writeRelease(folder, `L${LAYER}`, { sae: given, details });
  const entry = record.parse({
    ...JSON.parse(await readFile(source, 'utf8')),
    id: 'tried-l2',
  });
  entry.sae.sha256 = saeSha256(given);
  const over = { ...entry, id: 'over-l2' };
  const content = join(folder, 'content');
  await cp(source, join(content, 'measured/small-world-l0.json'));
  for (const each of [entry, over])
    await writeFile(join(content, `measured/${each.id}.json`), JSON.stringify(each));
  for (const { id } of [entry, over]) {
    const name = id.replace('-l2', '');
    await writeLive(join(content, 'live', name), {
      config: {
        name,
        live: { budget: name === 'over' ? 1_000_000 : null },
        model: { id: 'small-world', reference: null },
      },
      model: { folder: demoModelFolder, revision: null },
      saes: [{ id: `L${LAYER}`, ...hookOf(LAYER), origin: { kind: 'trained', recipe: {} as never } }],
      folder,
      records: [entry, over],
    });
  }
  const out = join(folder, 'dist');
  const built = await buildSite({ content, out, cache: join(folder, 'cache'), base });
  expect(built.code, built.output).toBe(0);
  server = await serveFolder(out, base);
  model = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks: [LAYER], logits: true });
  tokenizer = await loadTokenizer(demoModelFolder);
  sae = await openSae(given);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await Promise.all([model?.close(), sae?.close()]);
  await rm(folder, { recursive: true, force: true });
});

async function open(
  path: string,
  use: (page: Page) => Promise<void>,
  options: { colorScheme?: 'light' | 'dark' } = {},
): Promise<void> {
  await withPage(browser!, { server }, path, { viewport: { width: 390, height: 844 }, ...options }, use);
}

const loaded = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Load the model' }).click();
  await page.getByText(/^Loaded in/).waitFor({ timeout: 120_000 });
};

const readIn = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel('Text', { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Read' }).click();
  await page.getByText(/\d tokens\. The arrow keys/).waitFor({ timeout: 60_000 });
  await page.locator('#live-next table').waitFor();
};

interface Saved {
  sae: string;
  tokens: { id: number; text: string; latents: [number, number][] }[];
  next: Next;
}

async function saved(page: Page): Promise<Saved> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save the latents' }).click(),
  ]);
  return JSON.parse(await readFile(await download.path(), 'utf8'));
}

/** The runner's own residual and latents of ids. */
async function ofRunner(ids: readonly number[]) {
  const batch = { ids: Int32Array.from(ids), rows: 1, tokens: ids.length };
  const [residual] = await model.residuals(batch);
  return { batch, residual: residual!, latents: await sae.encode(residual!, ids.length) };
}

function softmaxAt(logits: Float32Array, position: number): number[] {
  const row = logits.subarray(position * model.vocabulary, (position + 1) * model.vocabulary);
  const most = Math.max(...row);
  const sum = row.reduce((total, each) => total + Math.exp(each - most), 0);
  return Array.from(row, (each) => Math.exp(each - most) / sum);
}

describe.skipIf(browser === null)(`the live page${browser === null ? ` (${howToEnable})` : ''}`, () => {
  const page = 'live/tried-l2/';

  it('loads nothing before it is asked, and from its own site alone; its latents are the runner’s', () =>
    open(`sae/tried-l2/`, async (at) => {
      const asked: string[] = [];
      at.on('request', (request) => asked.push(request.url()));
      await at.getByRole('link', { name: 'Try it on a text of yours' }).click();
      await at.getByRole('button', { name: 'Load the model' }).waitFor();
      expect(asked.filter((url) => url.includes('/data/'))).toEqual([]);
      await loaded(at);
      expect(asked.filter((url) => !url.startsWith(server.url) && !url.startsWith('blob:'))).toEqual([]);
      const texts = [
        demoRow('prose', 7, 3).text.slice(0, 700),
        demoRow('dialogue', 7, 1)
          .conversations.map(({ content }) => content)
          .join('\n')
          .slice(0, 500),
        'A',
        'Zürich — 東京 \u{1f30d}! 12 + 30 = 42\n\n  tab\there',
      ];
      let [most, tokens, swapped] = [0, 0, 0];
      for (const text of texts) {
        await readIn(at, text);
        const found = await saved(at);
        const ids = tokenizer.encode(text, { specialTokens: true });
        expect(found.tokens.map(({ id }) => id)).toEqual(ids);
        // A token that is a part of a character shows as a mark.
        const joined = found.tokens.map((each) => each.text).join('');
        expect(joined.replaceAll('\ufffd', '')).toBe(tokenizer.decode(ids));
        const { latents } = await ofRunner(ids);
        for (const [i, { latents: pairs }] of found.tokens.entries()) {
          const theirs = new Map(pairs);
          const ours = Array.from({ length: K }, (_, slot) => i * K + slot)
            .filter((slot) => latents.values[slot]! > 0)
            .map((slot) => [latents.indices[slot]!, latents.values[slot]!] as const);
          const least = Math.min(...ours.map(([, value]) => value));
          expect(pairs.length).toBe(ours.length);
          for (const [latent, value] of ours) {
            const other = theirs.get(latent);
            // One that the other side has another in place of ties with the last one kept.
            if (other === undefined) {
              expect(value - least).toBeLessThan(1e-4);
              swapped++;
            } else most = Math.max(most, Math.abs(other - value));
          }
          tokens++;
        }
      }
      expect(most).toBeLessThan(1e-4);
      expect(tokens).toBeGreaterThan(200);
      expect(swapped).toBeLessThan(tokens / 100);
    }));

  it('changes a latent as the runner would, by keyboard', () =>
    open(page, async (at) => {
      await loaded(at);
      const text = demoRow('prose', 7, 4).text.slice(0, 300);
      await readIn(at, text);
      const ids = tokenizer.encode(text, { specialTokens: true });
      const { batch, residual, latents } = await ofRunner(ids);
      const position = ids.length - 2;
      await at.locator('#live-tokens [aria-checked="true"]').focus();
      await at.keyboard.press('ArrowLeft');
      expect(await at.evaluate(() => (document.activeElement as HTMLElement).dataset.position)).toBe(
        String(position),
      );
      await at.locator('#live-latents [data-latent]').first().focus();
      await at.keyboard.press('Enter');
      const latent = latents.indices[position * K]!;
      const { W_dec } = saeOf();
      await at.getByText(`Latent ${latent} fires on`).waitFor();
      for (const [how, value] of [
        ['times', 0],
        ['times', 4],
        ['set', 5],
      ] as const) {
        await at.getByLabel('Change it').selectOption(how);
        await at.getByLabel('Number').fill(String(value));
        await at
          .getByText(how === 'times' ? `times ${value} at every` : `set to ${value} at every`)
          .waitFor();
        const { next } = await saved(at);
        expect(next.change).toEqual({ latent, how, value });
        const patched = residual.map((x, i) => {
          const slots = latents.indices.subarray(Math.floor(i / 128) * K, (Math.floor(i / 128) + 1) * K);
          const slot = slots.indexOf(latent);
          const was = slot < 0 ? 0 : latents.values[Math.floor(i / 128) * K + slot]!;
          return x + ((how === 'times' ? value * was : value) - was) * W_dec[latent * 128 + (i % 128)]!;
        });
        const [before, after] = [residual, patched].map((each) => model.logits(0, each, batch));
        const expected = [softmaxAt(await before!, position), softmaxAt(await after!, position)];
        expect(next.tokens.length).toBe(10);
        for (const { id, before: p, after: q } of next.tokens) {
          expect(p).toBeCloseTo(expected[0]![id]!, 4);
          expect(q).toBeCloseTo(expected[1]![id]!, 4);
        }
        const kl = expected[0]!.reduce((sum, p, id) => sum + p * Math.log(p / expected[1]![id]!), 0);
        expect(next.kl).toBeCloseTo(kl, 3);
        expect(next.kl).toBeGreaterThan(0);
      }
    }));

  it('shows hostile text as text, and refuses what is too long', () =>
    open(page, async (at) => {
      await loaded(at);
      await readIn(at, HOSTILE);
      const shown = await at.locator('#live-tokens').innerText();
      expect(shown).toContain('<img');
      expect(shown).toContain('⟨U+202E⟩');
      expect(await at.evaluate(() => Reflect.get(window, 'hit'))).toBeUndefined();
      expect(await at.getByLabel('Text', { exact: true }).getAttribute('maxlength')).toBe('2000');
      await at.getByLabel('Text', { exact: true }).fill('! ? '.repeat(400));
      await at.getByRole('button', { name: 'Read' }).click();
      await at.getByText(/tokens; expected at most 256: shorten the text/).waitFor();
    }));

  it.each(['light', 'dark'] as const)('has no violation axe knows of, %s, and fits a phone', (colorScheme) =>
    open(
      page,
      async (at) => {
        await loaded(at);
        await readIn(at, demoRow('prose', 7, 5).text.slice(0, 300));
        await at.locator('#live-latents [data-latent]').first().click();
        await at.getByText(/at every token where it fires/).waitFor();
        expect((await violationsOf(at, colorScheme)).violations).toEqual([]);
        expect(await at.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      },
      { colorScheme },
    ),
  );

  it('is not there beyond the budget, and the SAE’s page says why', () =>
    open('sae/over-l2/', async (at) => {
      await at.getByText(/cannot be tried in the browser: the language model and the SAE take/).waitFor();
      expect(await at.getByRole('link', { name: 'Try it on a text of yours' }).count()).toBe(0);
    }));
});
