/** What a reader with and without a script, a mouse or sight can do with the built site. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { howToEnable, launchBrowser } from './browser.ts';
import { explorerCases } from './explorer-cases.ts';
import { withPage as openPage, type ServedSite, serveSite } from './served-site.ts';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** One address of every type of page. */
const pageTypes = {
  leaderboard: '',
  trajectories: 'trajectories/',
  layers: 'layers/',
  release: 'release/caiovicentino1-qwen36-27b-sae-papergrade/',
  table: 'release/saebench-gemma-2-2b-16k/',
  compare: 'compare/',
  compared: 'compare/?sae=small-world-l0&sae=small-world-l4&sae=qwen3.6-27b-papergrade-l31',
  measured: 'sae/small-world-l4/',
  published: 'sae/qwen3.6-27b-papergrade-l55/',
  unmeasured: 'sae/awkward-import/',
  methodology: 'methodology/',
  light: 'sae/along-l4-small-world-step-100/',
  missing: '404.html',
};

/** Has the page's script find a file out of reach; null for none. Nothing is logged, as by a server's answer it would be. */
function withoutFile(page: Page, path: string | null): Promise<void> {
  return page.evaluate((ending) => {
    const kept: unknown = Reflect.get(window, 'keptFetch');
    const real = typeof kept === 'function' ? (kept as typeof fetch) : window.fetch.bind(window);
    Reflect.set(window, 'keptFetch', real);
    window.fetch = async (input, init) =>
      ending !== null && String(input).endsWith(ending)
        ? new Response('', { status: 503 })
        : real(input, init);
  }, path);
}

let site: ServedSite;
beforeAll(async () => {
  site = await serveSite();
});
afterAll(() => site?.close());

const browser = await launchBrowser();
if (!browser) console.warn(`browser tests skipped: ${howToEnable}`);

describe.skipIf(!browser)(browser ? 'in a browser' : `in a browser (${howToEnable})`, () => {
  afterAll(async () => {
    await browser?.close();
  });

  const withPage = (
    path: string,
    options: BrowserContextOptions,
    use: (page: Page, context: BrowserContext) => Promise<void>,
  ): Promise<void> => {
    if (!browser) throw new Error(howToEnable);
    return openPage(browser, site, path, options, use);
  };

  explorerCases(withPage);

  it('compares SAEs that are found by words, keeps them in the address and can show differences alone', () =>
    withPage('compare/', {}, async (page) => {
      const form = page.locator('#compare');
      const search = form.getByRole('combobox');
      await search.fill('small-world L0');
      await form.getByRole('option', { name: /small-world L0/ }).click();
      expect(await page.getByRole('status').textContent()).toBe('Pick one more.');
      expect(await page.locator('#side-by-side').isVisible()).toBe(true);
      await search.fill('no such SAE');
      expect(await form.getByRole('option').textContent()).toBe('No SAE has all these words.');
      // By keyboard alone; what is picked is not offered again.
      await search.fill('small-world');
      await form.getByRole('option', { name: /small-world L2/ }).waitFor();
      expect(await form.getByRole('option', { name: /small-world L0/ }).count()).toBe(0);
      await search.press('ArrowDown');
      await search.press('ArrowDown');
      await search.press('Enter');
      const table = page.getByRole('table', { name: /side by side/ });
      await table.waitFor();
      expect(await page.locator('#side-by-side').isVisible()).toBe(false);
      expect(await table.locator('thead th').allTextContents()).toEqual([
        expect.stringContaining('small-world L0'),
        expect.stringContaining('small-world L4'),
      ]);
      expect(new URL(page.url()).search).toBe('?sae=small-world-l0&sae=small-world-l4');
      // What is resolved stands above everything else; curves lie over one another and are read together.
      const headings = await page.locator('#comparison h2').allTextContents();
      expect(headings).toEqual(['What is resolved', 'Over one another', 'Everything']);
      expect(await page.locator('.verdict h3').textContent()).toBe('L4 against L0');
      expect(await page.locator('.verdict .worse li').count()).toBeGreaterThan(2);
      const density = page.locator('figure[data-name="compared-density"]');
      expect(await density.locator('.line').count()).toBe(2);
      await density.locator('.plot').focus();
      await page.keyboard.press('End');
      expect(await density.locator('.readout').textContent()).toMatch(
        /^firings per token .* L0 0\.\d+ L4 0\.\d+/,
      );

      const all = await table.getByRole('row').count();
      await page.getByLabel('Only rows that differ').check();
      const different = await table.getByRole('row').count();
      expect(different).toBeGreaterThan(5);
      expect(different).toBeLessThan(all);
      await page.reload();
      await table.waitFor();
      expect(await table.getByRole('row').count()).toBe(all);
      await page.getByRole('button', { name: 'Make first: small-world L4' }).click();
      expect(await page.locator('.verdict h3').textContent()).toBe('L0 against L4');
      await page.getByRole('button', { name: 'Remove small-world L0' }).click();
      expect(await table.isVisible()).toBe(false);
      expect(new URL(page.url()).search).toBe('?sae=small-world-l4');
    }));

  it('names what the address asks to compare and is not here, and shows no earlier comparison for a later choice', () =>
    withPage('compare/?sae=small-world-l0&sae=gone&sae=small-world-l2', {}, async (page) => {
      const table = page.getByRole('table', { name: /side by side/ });
      await table.waitFor();
      const status = page.getByRole('status');
      expect(await status.textContent()).toMatch(/^2 SAEs compared.*asks for what is not here: gone\.$/);
      await withoutFile(page, 'sae/small-world-l4.json');
      const search = page.locator('#compare').getByRole('combobox');
      await search.fill('small-world L4');
      await page.getByRole('option', { name: /small-world L4/ }).click();
      await expect
        .poll(() => status.textContent(), { timeout: 60_000 })
        .toMatch(/small-world-l4\.json: the server answered 503\.$/);
      expect(await table.isVisible()).toBe(false);
      await page.getByRole('button', { name: 'Remove small-world L4' }).click();
      await expect.poll(() => table.isVisible(), { timeout: 60_000 }).toBe(true);
    }));

  it('says that the documentation cannot be searched, and searches it when it can', () =>
    withPage('docs/', {}, async (page) => {
      const status = page.locator('.docs-search [role="status"]');
      await withoutFile(page, 'docs/search.json');
      await page.getByLabel('Search the documentation').fill('interval');
      await expect.poll(() => status.textContent(), { timeout: 60_000 }).toContain('answered 503');
      await withoutFile(page, null);
      await page.getByLabel('Search the documentation').fill('intervals');
      await expect.poll(() => status.textContent(), { timeout: 60_000 }).toMatch(/^\d+ found\.$/);
    }));

  it('warns of what was not measured alike before it compares', () =>
    withPage('compare/?sae=small-world-l0&sae=qwen3.6-27b-papergrade-l31', {}, async (page) => {
      await page.getByRole('table', { name: /side by side/ }).waitFor();
      expect((await page.locator('#comparison h2').allTextContents())[0]).toBe('Not measured alike');
      const warning = page.locator('#comparison .protocol');
      expect(await warning.locator('dt').allTextContents()).toEqual(
        expect.arrayContaining(['Language model', 'Evaluation text', 'Tokens evaluated', 'Who measured']),
      );
      expect(await warning.textContent()).toContain('131,072');
      expect(await warning.textContent()).toContain('1,000,000');
    }));

  it('shows the metrics, the axis and the SAEs chosen of the trajectories, and keeps them in the address', () =>
    withPage('trajectories/', {}, async (page) => {
      const shown = (): Promise<string[]> =>
        page
          .locator('svg.chart:visible > title')
          .evaluateAll((titles) => titles.map((title) => title.textContent?.split(' along')[0] ?? ''));
      // Of the two models: what was logged and moves, what was measured along training; what does not move is folded.
      const all = await shown();
      expect(all.filter((title) => title === 'Variance explained')).toHaveLength(3);
      expect(all).not.toContain('L0');
      await page.locator('summary', { hasText: 'Without change: L0 32' }).click();
      expect(await shown()).toContain('L0');

      const form = page.locator('#trajectory-view');
      for (const summary of await form.locator('summary').all()) await summary.click();
      for (const box of await form.getByRole('checkbox').all())
        if ((await box.getAttribute('value')) !== 'gradient_norm') await box.uncheck();
      expect(await shown()).toEqual(['Gradient norm']);
      expect(await page.getByRole('status').first().textContent()).toBe('1 charts shown');
      await form.getByLabel('Loss', { exact: true }).check();
      expect(await shown()).toEqual(['Loss', 'Gradient norm']);

      // The same lines, at other places.
      const loss = page.locator('[data-metric="loss"]');
      const path = (): Promise<string | null> => loss.locator('.line').first().getAttribute('d');
      const before = await path();
      expect(await loss.locator('.axis-name').textContent()).toBe('training tokens (log)');
      await form.getByLabel('Linear').check();
      expect(await loss.locator('.axis-name').textContent()).toBe('training tokens');
      const linear = await path();
      expect(linear).not.toBe(before);
      await form.getByLabel('Time').check();
      expect(await loss.locator('.axis-name').textContent()).toBe('training time');
      expect(await path()).not.toBe(linear);

      expect(await loss.locator('.series').count()).toBe(3);
      await page.getByLabel(/^Draw L2/).uncheck();
      expect(await loss.locator('.end-label').allTextContents()).toEqual(['L0', 'L4']);
      expect(new URL(page.url()).search).toBe(
        '?along=time&axis=linear&metric=loss&metric=gradient_norm&without=small-world-l2',
      );
      await page.reload();
      expect(await shown()).toEqual(['Loss', 'Gradient norm']);
      expect(await loss.locator('.series').count()).toBe(2);
      expect(await form.getByLabel('Linear').isChecked()).toBe(true);

      // What was measured along training is drawn by the same choice, with its intervals and its definition.
      for (const summary of await form.locator('summary').all()) await summary.click();
      await form.getByLabel('Cosine similarity').check();
      const cosine = page.locator('[data-metric="cosine@v1"]');
      // Three checkpoints and the end of each of two SAEs.
      expect(await cosine.locator('.whisker').count()).toBe(2 * 4);
      expect(await cosine.getByRole('link', { name: 'cosine@v1' }).getAttribute('href')).toContain(
        '#cosine-v1',
      );
      expect(new URL(page.url()).searchParams.getAll('metric')).toContain('cosine@v1');

      // The SAE's own page has the same choice; an address that asks for nothing known shows all.
      await page.goto(`${site.server.url}sae/small-world-l4/?metric=dead#trajectory`);
      expect(await page.locator('[data-metric]').count()).toBe(1);
      await page.goto(`${site.server.url}sae/small-world-l4/?metric=none&axis=sideways&without=all`);
      expect(await page.locator('[data-metric="loss"] .axis-name').textContent()).toBe(
        'training tokens (log)',
      );
    }));

  it('reads charts out by pointer and by keyboard, all charts of a model at one place', () =>
    withPage('trajectories/', {}, async (page) => {
      const loss = page.locator('[data-metric="loss"]').first();
      const dead = page.locator('[data-metric="dead"]').first();
      const plot = loss.locator('.plot');
      await plot.hover({ position: { x: 200, y: 60 } });
      const words = (await loss.locator('.readout').textContent()) ?? '';
      expect(words).toMatch(/^training tokens [\d.]+.[kM] L0 0\.\d+ L2 0\.\d+ L4 0\.\d+/);
      expect((await dead.locator('.readout').textContent())?.split(' L0')[0]).toBe(words.split(' L0')[0]);
      expect(await loss.locator('.crosshair circle').count()).toBe(3);
      await plot.focus();
      await page.keyboard.press('Home');
      const first = await plot.getAttribute('aria-valuetext');
      expect(first).toMatch(/^training tokens 25.k: L0 0\.\d+, L2 /);
      await page.keyboard.press('ArrowRight');
      const second = await plot.getAttribute('aria-valuetext');
      expect(second).not.toBe(first);
      await page.keyboard.press('ArrowLeft');
      expect(await plot.getAttribute('aria-valuetext')).toBe(first);
      await page.keyboard.press('End');
      expect(await plot.getAttribute('aria-valuenow')).toBe(await plot.getAttribute('aria-valuemax'));
      expect(await plot.getAttribute('aria-valuetext')).toMatch(/^training tokens 2.M: /);
      await page.keyboard.press('Escape');
      expect(await loss.locator('.readout').isVisible()).toBe(false);
    }));

  it('saves a chart as SVG and as PNG, with caption and source', () =>
    withPage('trajectories/', {}, async (page) => {
      const figure = page.locator('[data-metric="var_exp"]').first();
      const [svg] = await Promise.all([
        page.waitForEvent('download'),
        figure.getByRole('button', { name: /as SVG/ }).click(),
      ]);
      expect(svg.suggestedFilename()).toMatch(/var-exp\.svg$/);
      const text = await readFile(await svg.path(), 'utf8');
      expect(text).toContain('Variance explained along training, interpboard/small-world');
      expect(text).toContain('var_exp@pooled-v1');
      expect(text).not.toContain('class=');
      expect(text).toMatch(/stroke="rgb\(/);
      const [png] = await Promise.all([
        page.waitForEvent('download'),
        figure.getByRole('button', { name: /as PNG/ }).click(),
      ]);
      const bytes = await readFile(await png.path());
      expect(bytes.subarray(1, 4).toString()).toBe('PNG');
      // Three times as wide as the chart's box, and not of one colour: an empty picture would be some hundred bytes.
      expect(bytes.readUInt32BE(16)).toBe(1_200);
      expect(bytes.length).toBeGreaterThan(10_000);
    }));

  it('chooses among the trajectories by keyboard alone', () =>
    withPage('trajectories/', {}, async (page) => {
      const focused = (): Promise<string> =>
        page.evaluate(() => {
          const at = document.activeElement;
          return at instanceof HTMLInputElement ? `${at.name} ${at.value}` : (at?.textContent ?? '');
        });
      const tabTo = async (wanted: string): Promise<void> => {
        for (let i = 0; i < 60 && (await focused()) !== wanted; i++) await page.keyboard.press('Tab');
        expect(await focused()).toBe(wanted);
        expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).toBe(
          'solid',
        );
      };
      await tabTo('along tokens');
      await page.keyboard.press('ArrowRight');
      expect(await focused()).toBe('along steps');
      const loss = page.locator('[data-metric="loss"]').first();
      expect(await loss.locator('.axis-name').textContent()).toBe('training steps (log)');
      await tabTo('Charts');
      await page.keyboard.press('Enter');
      await tabTo('metric loss');
      await page.keyboard.press('Space');
      expect(await page.locator('[data-metric="loss"]').count()).toBe(0);
      await tabTo('sae small-world-l0');
      await page.keyboard.press('Space');
      expect(await page.locator('[data-sae="small-world-l0"]').count()).toBe(0);
      const table = page.getByRole('table', { name: 'Training trajectory of interpboard/small-world' });
      await page.locator('summary', { hasText: 'The same as tables' }).first().focus();
      await page.keyboard.press('Enter');
      // Whatever is drawn, the table has everything.
      expect(await table.getByRole('columnheader').count()).toBe(10);
      expect(await table.getByRole('row').count()).toBe(1 + 3 * 24);
    }));

  it('follows the system’s theme, toggles and remembers, before the first paint', () =>
    withPage('', { colorScheme: 'light' }, async (page) => {
      const ground = (): Promise<string> =>
        page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const light = await ground();
      const toggle = page.getByRole('button', { name: 'Dark theme' });
      expect(await toggle.getAttribute('aria-pressed')).toBe('false');
      await toggle.click();
      const dark = await ground();
      expect(dark).not.toBe(light);
      expect(await toggle.getAttribute('aria-pressed')).toBe('true');
      await page.addInitScript(() => {
        // Runs before the page's own: notes the theme at the moment the body appears.
        new MutationObserver((_, observer) => {
          if (!document.body) return;
          Object.assign(window, { themeAtBody: document.documentElement.dataset.theme });
          observer.disconnect();
        }).observe(document, { childList: true, subtree: true });
      });
      await page.goto(`${site.server.url}methodology/`);
      expect(await page.evaluate(() => Reflect.get(window, 'themeAtBody'))).toBe('dark');
      expect(await ground()).toBe(dark);
      await page.getByRole('button', { name: 'Dark theme' }).click();
      expect(await ground()).toBe(light);
      expect(await page.evaluate(() => localStorage.length)).toBe(0);
    }));

  it('can be used by keyboard alone', () =>
    withPage('', {}, async (page) => {
      const focused = (): Promise<string> =>
        page.evaluate(() => document.activeElement?.textContent?.trim().slice(0, 60) ?? '');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Skip to the content');
      expect(
        await page.locator('.skip').evaluate((link) => link.getBoundingClientRect().top),
      ).toBeGreaterThan(0);
      await page.keyboard.press('Enter');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
    }));

  it('says definitions where names are pointed at or focused', () =>
    withPage('sae/small-world-l4/', {}, async (page) => {
      const tip = page.getByRole('tooltip', { includeHidden: true });
      const [first, second] = [
        page.locator('.key-figures .term').nth(0),
        page.locator('.key-figures .term').nth(1),
      ];
      await first.focus();
      expect(await tip.textContent()).toContain('interpscore@0.0.1');
      expect(await first.getAttribute('aria-describedby')).toBe('definition-tip');
      await second.hover();
      expect(await tip.textContent()).toContain('var_exp@pooled-v1');
      await page.keyboard.press('Escape');
      expect(await tip.isVisible()).toBe(false);
    }));

  it('has every number of an SAE’s first screen in sight on a phone', () =>
    withPage('sae/small-world-l4/', { viewport: { width: 390, height: 844 } }, async (page) => {
      for (const figure of await page.locator('.key-figures > div').all()) {
        const box = (await figure.boundingBox())!;
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(390);
        const cut = await figure.evaluate((element) => element.scrollWidth - element.clientWidth);
        expect(cut).toBeLessThanOrEqual(0);
      }
      // The pages’ names stand in one line, documentation among them.
      const tops = await page
        .locator('.site-header nav a')
        .evaluateAll((links) => links.map((link) => Math.round(link.getBoundingClientRect().top)));
      expect(new Set(tops).size).toBe(1);
    }));

  it('shows foreign text as text', () =>
    withPage('sae/awkward-import/', {}, async (page) => {
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(
        '<script>window.injected = true</script> & "quoted" <b>name</b>',
      );
      expect(await page.evaluate(() => Reflect.get(window, 'injected'))).toBeUndefined();
      expect(await page.locator('.caveats').textContent()).toContain('<em>markup</em> & entities: &lt;b&gt;');
      expect(await page.locator('.caveats em, main img').count()).toBe(0);
    }));

  it.each(['light', 'dark'] as const)(
    'has no accessibility violation axe knows of on any page type, %s',
    (colorScheme) =>
      withPage('', { colorScheme }, async (page) => {
        for (const [type, path] of Object.entries(pageTypes)) {
          await page.goto(site.server.url + path, { waitUntil: 'load' });
          if (type === 'compared') await page.getByRole('table', { name: /side by side/ }).waitFor();
          await page.evaluate(() => {
            for (const details of document.querySelectorAll('details')) details.open = true;
          });
          await page.evaluate(axe);
          const { violations, passes } = await page.evaluate(async () => {
            const found: AxeResults = await Reflect.get(window, 'axe').run(document);
            return {
              passes: found.passes.length,
              violations: found.violations
                .filter((one) => one.impact === 'serious' || one.impact === 'critical')
                .map((one) => ({
                  id: one.id,
                  nodes: one.nodes
                    .slice(0, 3)
                    .map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`),
                })),
            };
          });
          expect({ type, violations }).toEqual({ type, violations: [] });
          expect(passes).toBeGreaterThan(15);
        }
      }),
  );

  it.each([390, 768, 1440])('never scrolls sideways at %i px', (width) =>
    withPage('', { viewport: { width, height: 844 } }, async (page) => {
      for (const [type, path] of Object.entries(pageTypes)) {
        await page.goto(site.server.url + path, { waitUntil: 'load' });
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect({ type, overflow }).toEqual({ type, overflow: 0 });
      }
    }),
  );

  it('shows every table without scripts, and no control that would need them', () =>
    withPage('', { javaScriptEnabled: false }, async (page) => {
      const rows = page.locator('.board tbody tr[data-row]');
      expect(await rows.count()).toBe(50);
      expect(await rows.last().isVisible()).toBe(true);
      expect(await page.locator('.multiple svg.chart:visible').count()).toBe(4);
      expect(await page.locator('.needs-script:visible').count()).toBe(0);
      expect(await page.locator('.board input:visible').count()).toBe(0);
      await page.goto(`${site.server.url}compare/`);
      expect(await page.getByRole('table', { name: 'SAEs of interpboard/small-world' }).isVisible()).toBe(
        true,
      );
      expect(await page.locator('.needs-script:visible').count()).toBe(0);
      // Seven metrics of one model's records that move, and four measured along training; two that another's publisher gave.
      await page.goto(`${site.server.url}trajectories/`);
      expect(await page.locator('svg.chart:visible').count()).toBe(7 + 4 + 2);
      expect(await page.locator('.needs-script:visible').count()).toBe(0);
    }));

  it('prints the content, not the controls', () =>
    withPage('sae/small-world-l4/', {}, async (page) => {
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('#theme').isVisible()).toBe(false);
      expect(await page.getByRole('table', { name: 'Files' }).isVisible()).toBe(true);
    }));
});
