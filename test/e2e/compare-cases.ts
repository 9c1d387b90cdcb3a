/** What a reader can do with Compare: cases of the browser tests. */
import { expect, it } from 'vitest';
import { type WithPage, withoutFile } from './served-site.ts';

export function compareCases(withPage: WithPage): void {
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
      // The letters below stand beside the names, and the keyboard keeps its place where buttons come and go.
      expect(await form.locator('.picked .label').allTextContents()).toEqual(['L0', 'L4']);
      await page.getByRole('button', { name: 'Make first: small-world L4' }).press('Enter');
      expect(await page.locator('.verdict h3').textContent()).toBe('L0 against L4');
      const focused = (): Promise<string | null> =>
        page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? null);
      expect(await focused()).toBe('Remove small-world L4');
      await page.getByRole('button', { name: 'Remove small-world L0' }).press('Enter');
      expect(await table.isVisible()).toBe(false);
      expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('combobox');
      // A list that nobody looks at any more is closed.
      await form.getByRole('option').first().waitFor();
      await page.keyboard.press('Tab');
      await form.getByRole('listbox').waitFor({ state: 'hidden' });
      expect(await focused()).toBe('Remove small-world L4');
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
}
