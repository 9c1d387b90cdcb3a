/** What a reader can do with the front page: cases of the browser tests. */
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { WithPage } from './served-site.ts';

const rows = (page: Page): Locator => page.locator('.board tbody tr[data-row]');
const names = (page: Page): Promise<string[]> =>
  rows(page)
    .locator('th a')
    .evaluateAll((links) => links.map((link) => link.textContent ?? ''));
const status = (page: Page): Locator => page.locator('.rows [role="status"]');
const query = (page: Page): string => decodeURIComponent(new URL(page.url()).search);
const header = (page: Page, name: string): Locator =>
  page.locator('.board thead th').filter({ has: page.getByRole('button', { name, exact: true }) });

async function tick(page: Page, drop: string, label: string | RegExp): Promise<void> {
  const details = page.locator('details.drop').filter({ has: page.locator('summary', { hasText: drop }) });
  if (!(await details.evaluate((element: HTMLDetailsElement) => element.open)))
    await details.locator('summary').click();
  await details.getByLabel(label).first().check();
}

/** Expects what comes true in a while: the machine may be slow. */
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 60_000 });

/** What the page says once it has drawn what was asked for. */
async function until(page: Page, words: RegExp): Promise<void> {
  await soon(() => status(page).textContent()).toMatch(words);
}

const measured = ['small-world L0', 'small-world L2', 'small-world L4'];

export function explorerCases(withPage: WithPage): void {
  it('sorts by any column within its group, missing values last in both directions', () =>
    withPage('', {}, async (page) => {
      await header(page, 'loss recovered').getByRole('button').click();
      await until(page, /by loss recovered, descending/);
      expect(await header(page, 'loss recovered').getAttribute('aria-sort')).toBe('descending');
      expect((await names(page)).slice(0, 3)).toEqual(measured);
      // The focus stays on the button, which the keyboard can press again.
      await page.keyboard.press('Enter');
      await until(page, /by loss recovered, ascending/);
      expect((await names(page)).slice(0, 3)).toEqual(measured.toReversed());
      expect(await page.locator('.board [aria-sort]').count()).toBe(1);
      await soon(() => query(page)).toBe('?sort=loss_recovered');
      await page.getByLabel('By model, hook and text').uncheck();
      await page.getByRole('button', { name: /^Show all/ }).click();
      await soon(() => rows(page).count()).toBe(259);
      expect((await names(page)).at(-1)).toContain('<script>');
      await header(page, 'loss recovered').getByRole('button').click();
      await until(page, /descending/);
      await soon(() => rows(page).count()).toBe(259);
      expect((await names(page)).at(-1)).toContain('<script>');
    }));

  it('filters table and picture at once, and says so', () =>
    withPage('', {}, async (page) => {
      expect(await rows(page).count()).toBe(50);
      expect(await page.locator('.multiple').count()).toBe(4);
      await tick(page, 'Model', /small-world/);
      await until(page, /^3 of 263 SAEs/);
      expect(await names(page)).toEqual(measured);
      expect(await page.locator('.multiple').count()).toBe(1);
      await tick(page, 'Kind', /^Demo/);
      await page.getByRole('button', { name: 'Clear' }).click();
      await until(page, /^259 of 263 SAEs.*4 that their publishers call provisional/);
      await page.getByRole('searchbox').fill('gemma jumprelu 65k');
      await until(page, /^6 of 263/);
      await soon(() => query(page)).toBe('?q=gemma jumprelu 65k');
      await page.getByRole('searchbox').fill('no such thing');
      await until(page, /^0 of 263/);
      expect(await page.locator('.picture .notice').textContent()).toContain('No SAE shown');
    }));

  it('keeps every choice in the address, back and forward', () =>
    withPage('', {}, async (page) => {
      await page.getByLabel('Across').selectOption('d_sae');
      await until(page, /259/);
      await tick(page, 'Model', /pythia/);
      await until(page, /^126 of/);
      // The one panel that is left has the room of several.
      expect((await page.locator('.multiple').boundingBox())!.width).toBeGreaterThan(600);
      await page.locator('summary', { hasText: 'Drawing' }).click();
      await page.getByLabel('Colour by').selectOption('d_sae');
      await page.getByLabel('Pareto frontier').uncheck();
      const asked = '?model=EleutherAI/pythia-160m-deduped&x=d_sae&colour=d_sae&frontier=0';
      await soon(() => query(page)).toBe(asked);
      expect(await page.locator('.scatter .frontier').count()).toBe(0);
      // What is drawn over an earlier view is what is drawn anew.
      const parts = page.locator('[data-part="picture"], [data-part="head"], [data-part="body"]');
      const both = async (): Promise<string[]> => parts.evaluateAll((all) => all.map((one) => one.innerHTML));
      await soon(() => rows(page).count()).toBe(50);
      const drawn = await both();

      await page.goBack();
      await page.goBack();
      await until(page, /^126 of/);
      await soon(() => page.locator('.scatter .frontier').count()).toBe(1);
      await page.goBack();
      await until(page, /^259 of/);
      expect(await page.getByLabel('Across').inputValue()).toBe('d_sae');
      await page.goBack();
      await soon(() => page.getByLabel('Across').inputValue()).toBe('l0@v1');
      for (let i = 0; i < 4; i++) await page.goForward();
      await soon(() => query(page)).toBe(asked);
      await page.reload();
      await until(page, /^126 of/);
      await soon(both).toEqual(drawn);
      expect(
        await page
          .getByLabel(/pythia/)
          .first()
          .isChecked(),
      ).toBe(true);
    }));

  it('says what an address asks for that is not here', () =>
    withPage('?model=gone&x=alive@v1&kind=*', {}, async (page) => {
      await until(page, /263 of 263.*asks for what is not here: model=gone/);
      expect(await page.getByLabel('Across').inputValue()).toBe('alive@v1');
    }));

  it('shows columns of the reader’s choice, loaded when asked for', () =>
    withPage('', {}, async (page) => {
      const asked: string[] = [];
      page.on('request', (request) => asked.push(decodeURIComponent(request.url())));
      await tick(page, 'Columns', /^Cosine similarity/);
      await soon(() => header(page, 'cosine').count()).toBe(1);
      expect(asked.some((address) => address.endsWith('/data/metrics/cosine@v1.json'))).toBe(true);
      const cells = page.locator('.board tbody tr[data-row]').first().locator('td.number').last();
      await soon(() => cells.textContent()).toMatch(/^0\.\d{4}0\.\d{4}–0\.\d{4}$/);
      await soon(() => query(page)).toContain('~cosine@v1');
    }));

  it('weighs the composite anew, ranks by it, and tells how often each is first', () =>
    withPage('', {}, async (page) => {
      const firsts = (): Promise<string[]> =>
        page.locator('.board tbody tr[data-row] td:last-child .value').allTextContents();
      await page.locator('summary', { hasText: 'Weights' }).click();
      await page.getByLabel('Reconstruction alone').check();
      await soon(() => header(page, 'Reconstruction alone').count()).toBe(1);
      await soon(() => query(page)).toBe('?weights=reconstruction');
      expect((await names(page)).slice(0, 3)).toEqual(measured);
      await page.getByRole('button', { name: /over random weights/ }).click();
      await soon(async () => (await firsts()).length).toBe(3);
      const shares = (await firsts()).map(Number);
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 2);
      expect(shares[0]).toBeGreaterThan(0.9);
      const slider = page.getByRole('slider').first();
      await slider.focus();
      await page.keyboard.press('ArrowLeft');
      await soon(() => header(page, 'Reconstruction alone').count()).toBe(1);
      await page.getByRole('slider').nth(4).fill('50');
      await soon(() => query(page)).toMatch(/weights=99,0,0,0,50/);
      await soon(() => header(page, 'Composite, own weights').count()).toBe(1);
      await page.goBack();
      await soon(() => query(page)).toMatch(/weights=reconstruction/);
    }));

  it('gives what is shown as CSV, JSON, Markdown and LaTeX', () =>
    withPage('?model=interpboard/small-world&columns=l0@v1~composite&sort=l0@v1', {}, async (page) => {
      await until(page, /^3 of/);
      const given = async (format: string): Promise<string> => {
        await page.getByLabel('Format of what is shown').selectOption(format);
        const coming = page.waitForEvent('download');
        await page.getByRole('button', { name: 'Download' }).click();
        return readFile(await (await coming).path(), 'utf8');
      };
      const csv = (await given('csv')).trimEnd().split('\r\n');
      expect(csv[0]).toBe(
        'id,name,kind,model,hook,text,architecture,layer,d_sae,k,rank_best,rank_worst,l0@v1,l0@v1.low,l0@v1.high,composite,composite.low,composite.high',
      );
      const shown = await names(page);
      expect(csv.slice(1).map((line) => line.split(',')[1])).toEqual(shown);
      const { rows: found } = JSON.parse(await given('json'));
      expect(found.map(({ name }: { name: string }) => name)).toEqual(shown);
      expect(found[0].values.composite.low).toBeLessThan(found[0].values.composite.value);
      expect((await given('markdown')).split('\n').filter((line) => line.startsWith('|'))).toHaveLength(5);
      expect((await given('latex')).match(/\\\\$/gm)).toHaveLength(4);
    }));

  it('reads points out by pointer and by keyboard', () =>
    withPage('?model=EleutherAI/pythia-160m-deduped', {}, async (page) => {
      await until(page, /^126 of/);
      const plot = page.locator('.plot');
      const box = page.locator('.read-out');
      await plot.focus();
      await page.keyboard.press('ArrowRight');
      const first = await box.textContent();
      expect(first).toMatch(/loss_recovered@saebench-core/);
      await page.keyboard.press('ArrowRight');
      expect(await box.textContent()).not.toBe(first);
      await page.keyboard.press('Home');
      expect(await box.textContent()).toBe(first);
      const said = await page.locator('[data-part="spoken"]').textContent();
      expect(first).toContain(said?.split(',')[0]);
      await soon(() => query(page)).toMatch(/&at=/);
      await page.keyboard.press('Escape');
      expect(await box.count()).toBe(0);

      // Over the ring of a point, the pointer says the same.
      await page.keyboard.press('End');
      const last = await box.textContent();
      const ring = (await page.locator('.ring').boundingBox())!;
      await page.keyboard.press('Escape');
      await page.mouse.move(ring.x + ring.width / 2, ring.y + ring.height / 2);
      expect(await box.textContent()).toBe(last);
      await page.mouse.click(ring.x + ring.width / 2, ring.y + ring.height / 2);
      await page.mouse.move(2, 2);
      expect(await box.textContent()).toBe(last);
      // The address follows a moment later.
      await soon(() => query(page)).toMatch(/&at=/);
      await page.reload();
      await soon(() => box.textContent()).toBe(last);
    }));

  it('leads from picks to Compare', () =>
    withPage('', {}, async (page) => {
      await page.getByLabel('Compare small-world L0').check();
      await page.getByLabel('Compare small-world L4').check();
      const link = page.getByRole('link', { name: 'Compare 2 SAEs' });
      expect(await link.getAttribute('href')).toMatch(/compare\/\?sae=small-world-l0&sae=small-world-l4$/);
      await soon(() => query(page)).toBe('?pick=small-world-l0&pick=small-world-l4');

      // A column's head keeps them.
      await header(page, 'loss recovered').getByRole('button').click();
      await until(page, /by loss recovered, descending/);
      await soon(() => query(page)).toBe('?sort=-loss_recovered&pick=small-world-l0&pick=small-world-l4');
      const ticked = (): Promise<string[]> =>
        page
          .locator('.board input[name="pick"]:checked')
          .evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value).toSorted());
      expect(await ticked()).toEqual(['small-world-l0', 'small-world-l4']);

      // Compare takes four: the first of five is let go, in its box too.
      const others = page.locator('.board input[name="pick"]:not(:checked)');
      for (let i = 0; i < 3; i++) await others.last().check();
      expect(await ticked()).toHaveLength(4);
      expect(await ticked()).not.toContain('small-world-l0');
      await soon(() => new URL(page.url()).searchParams.getAll('pick').toSorted()).toEqual(await ticked());
    }));

  it('keeps a filter that a column’s head is pressed after at once', () =>
    withPage('', {}, async (page) => {
      await page.getByRole('searchbox').fill('gemma jumprelu 65k');
      await header(page, 'loss recovered').getByRole('button').click();
      await until(page, /^6 of 263 SAEs, by loss recovered/);
      expect(query(page)).toBe('?q=gemma jumprelu 65k&sort=-loss_recovered');
    }));

  it('draws a column that was on its way when a row was picked', () =>
    withPage('', {}, async (page) => {
      let arrive: () => void = () => {};
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      await page.route('**/data/metrics/*', async (route) => {
        await arrived;
        await route.continue();
      });
      await tick(page, 'Columns', /^Cosine similarity/);
      await page.keyboard.press('Escape');
      await page.getByLabel('Compare small-world L0').check();
      arrive();
      const cell = page.locator('.board tbody tr[data-row]').first().locator('td.number').last();
      await soon(() => cell.textContent()).toMatch(/^0\.\d{4}0\.\d{4}–0\.\d{4}$/);
    }));

  it('opens one panel at a time, and closes it by Escape', () =>
    withPage('', {}, async (page) => {
      const summary = (name: string): Locator => page.locator('summary', { hasText: name }).first();
      await summary('Model').focus();
      await page.keyboard.press('Enter');
      expect(await page.locator('details.drop[open]').count()).toBe(1);
      // Escape is the script's, which is there once what it serves can be used.
      await page.locator('fieldset.needs-script:enabled').first().waitFor();
      await summary('Architecture').click();
      await expect
        .poll(() => page.locator('details.drop[open] summary').textContent())
        .toContain('Architecture');
      await page.keyboard.press('Escape');
      expect(await page.locator('details.drop[open]').count()).toBe(0);
      expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Architecture');
    }));
}
