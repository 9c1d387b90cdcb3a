/** What a reader with and without a script, a mouse or sight can do with the built site. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violationsOf } from './axe.ts';
import { howToEnable, launchBrowser } from './browser.ts';
import { compareCases } from './compare-cases.ts';
import { explorerCases } from './explorer-cases.ts';
import { readerCases } from './reader-cases.ts';
import {
  withPage as openPage,
  type ServedSite,
  serveSite,
  type WithPage,
  withoutFile,
} from './served-site.ts';
import { trajectoryCases } from './trajectory-cases.ts';

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

  const withPage: WithPage = (path, options, use) => {
    if (!browser) throw new Error(howToEnable);
    return openPage(browser, site, path, options, use);
  };

  explorerCases(withPage);
  compareCases(withPage);
  trajectoryCases(withPage);
  readerCases(withPage);

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
          const { violations, passes } = await violationsOf(page, colorScheme);
          expect({ type, violations }).toEqual({ type, violations: [] });
          expect(passes).toBeGreaterThan(colorScheme === 'light' ? 15 : 0);
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
