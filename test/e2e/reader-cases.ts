/** The roads of three readers through the built site, each action one step: cases of the browser tests. */
import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import type { WithPage } from './served-site.ts';

/** Counts what a reader does: a click, a word typed, a key. */
class Road {
  steps = 0;

  async click(place: Locator): Promise<void> {
    this.steps++;
    await place.click();
  }

  async type(place: Locator, words: string): Promise<void> {
    this.steps++;
    await place.fill(words);
    await place.press('Enter');
  }

  async press(place: Locator, key: string): Promise<void> {
    this.steps++;
    await place.press(key);
  }
}

const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 60_000 });

export function readerCases(withPage: WithPage): void {
  it('leads who chooses an SAE of a model to the best of at most 60 active latents, and how to get it, in 6 steps', () =>
    withPage('', {}, async (page) => {
      const road = new Road();
      const filter = (name: string): Locator =>
        page.locator('.filters summary').filter({ hasText: new RegExp(`^\\s*${name}`) });
      const first = page.locator('.board tbody tr[data-row]').first();
      await road.click(filter('Model'));
      await road.click(page.getByRole('checkbox', { name: /^google\/gemma-2-2b/ }));
      await road.click(filter('L0'));
      await road.type(page.getByLabel('to', { exact: true }).last(), '60');
      await road.click(
        page.locator('.board thead').getByRole('button', { name: 'loss recovered', exact: true }),
      );
      await soon(() => page.locator('.rows [role="status"]').textContent()).toMatch(
        /^3\d of 263 SAEs, by loss recovered, descending/,
      );
      const values = await page
        .locator('.board tbody tr[data-row]')
        .evaluateAll((rows) =>
          rows.map((row) =>
            [...row.querySelectorAll('td.number .value')]
              .slice(0, 2)
              .map(({ textContent }) => Number(textContent)),
          ),
        );
      expect(Math.max(...values.map(([l0]) => l0!))).toBeLessThanOrEqual(60);
      expect(values[0]![1]).toBe(Math.max(...values.map(([, loss]) => loss!)));
      const name = await first.locator('th a').textContent();
      await road.click(first.locator('th a'));
      // The row of the table that it stands in is the one asked for, and how to get it stands on the page.
      expect(await page.locator('tr:target th').textContent()).toBe(name);
      expect(await page.locator('#measure ~ .snippets code').allTextContents()).toEqual([
        expect.stringMatching(/^npx interpboard inspect .*saebench_gemma-2-2b/),
        expect.stringMatching(/^npx interpboard eval --model google\/gemma-2-2b --sae .*saebench_gemma-2-2b/),
      ]);
      expect(road.steps).toBe(6);
    }));

  it('leads who checks a claim to value, interval, definition, command and what is resolved, in 5 steps', () =>
    withPage('', {}, async (page) => {
      const road = new Road();
      await road.type(page.getByRole('searchbox'), 'small-world L4');
      await soon(() => page.locator('.rows [role="status"]').textContent()).toMatch(/^1 of 263/);
      await road.click(page.locator('.board tbody th a').first());
      const figure = page.locator('.key-figures > div').filter({ hasText: 'var_exp' });
      expect(await figure.textContent()).toMatch(/0\.8270.*95 %: 0\.8228–0\.8308/s);
      await road.press(figure.locator('.term'), 'Tab');
      await figure.locator('.term').hover();
      expect(await page.getByRole('tooltip').textContent()).toContain('var_exp@pooled-v1');
      await road.click(page.locator('summary').filter({ hasText: 'Repeat and verify' }));
      const repeat = page.locator('details.fold').filter({ has: page.locator('#repeat') });
      expect(await repeat.locator('code').first().textContent()).toMatch(/^npm run /);
      await road.click(page.getByRole('link', { name: 'Compare with others of the model' }));
      await page.getByRole('table', { name: /side by side/ }).waitFor();
      const verdict = page.locator('.verdict').filter({ hasText: 'L0 against L4' });
      expect(await verdict.locator('.better').textContent()).toMatch(/Variance explained \+0\.0870/);
      expect(road.steps).toBe(5);
    }));

  it('leads the author of a release to its layers and training, read at one place, in 5 steps', () =>
    withPage('', {}, async (page) => {
      const road = new Road();
      await road.click(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Layers' }));
      const depth = page.locator('figure').filter({ hasText: 'Loss recovered' }).first();
      await depth.locator('svg.chart').waitFor();
      await road.click(page.getByRole('link', { name: /papergrade/i }).first());
      await road.click(
        page.getByRole('navigation', { name: 'On this page' }).getByRole('link', { name: 'Training curves' }),
      );
      const curve = page.locator('#training ~ * [data-metric="var_exp"], [data-metric="var_exp"]').first();
      await road.click(page.getByLabel('Linear'));
      await road.press(curve.locator('.plot'), 'End');
      expect(await curve.locator('.readout').textContent()).toMatch(/L11 0\.\d+.*L31 0\.\d+.*L55 0\.\d+/);
      await page.locator('#dead').waitFor();
      expect(road.steps).toBe(5);
    }));
}
