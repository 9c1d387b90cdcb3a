/** What a reader can do with charts along training: cases of the browser tests. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { WithPage } from './served-site.ts';

export function trajectoryCases(withPage: WithPage): void {
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
      const whiskers = await cosine
        .locator('.whisker')
        .evaluateAll((all) => all.map((one) => one.getAttribute('d')));
      expect(whiskers.map((path) => path?.split('V').length)).toEqual([4 + 1, 4 + 1]);
      expect(await cosine.getByRole('link', { name: 'cosine@v1' }).getAttribute('href')).toContain(
        '#cosine-v1',
      );
      expect(new URL(page.url()).searchParams.getAll('metric')).toContain('cosine@v1');

      // The SAE's own page has the same choice; an address that asks for nothing known shows all.
      await page.goto(new URL('../sae/small-world-l4/?metric=dead#trajectory', page.url()).href);
      expect(await page.locator('[data-metric]').count()).toBe(1);
      await page.goto(new URL('?metric=none&axis=sideways&without=all', page.url()).href);
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
}
