/**
 * The front page with 1,000 invented records in Chromium: from the start of the load to where the controls answer, and
 * from a reader's change to the frame that shows it, with the picture in sight and with the table, and with what it needs
 * already loaded. What is out of sight is drawn behind that frame, and is not in its time. Medians. The processor time is
 * that of the page's thread up to that frame, which says more than the time on a machine at work on other things.
 * INTERPBOARD_BENCH_SITE names a site that was built under /board/ before, to spare the build.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { howToEnable, launchBrowser } from '../e2e/browser.ts';
import { buildSite } from '../e2e/build-site.ts';
import { type StaticServer, serveFolder } from '../e2e/static-server.ts';
import { writeMany } from '../fixtures/site/make_many.ts';
import { median } from './parts/median.ts';

const RECORDS = 1_000;
const LOADS = 5;
const ROUNDS = 7;
/** Milliseconds that work behind a frame waits here. */
const PUT_OFF = 400;

/** Runs in the page: milliseconds from the change to the frame after it, the work of scripts, layout and paint. */
function measureIn(page: Page, change: string): Promise<number> {
  return page.evaluate(async (code) => {
    const paint = () =>
      new Promise<number>((resolve) => {
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => resolve(performance.now());
          port2.postMessage(null);
        });
      });
    const changes = new Map<string, () => void>([
      ['filter', () => pick('[name="architecture"]')],
      ['search', () => type(document.querySelector<HTMLInputElement>('[name="q"]')!)],
      ['sort', () => document.querySelector<HTMLElement>('[data-sort="l0@v1"]')!.click()],
      ['weights', () => slide(document.querySelectorAll<HTMLInputElement>('[name="weight"]')[4]!)],
      [
        'axis',
        () =>
          choose(document.querySelector<HTMLSelectElement>('select[name="x"]')!, ['l0@v1', 'd_sae', 'layer']),
      ],
      [
        'panels',
        () =>
          choose(document.querySelector<HTMLSelectElement>('select[name="panels"]')!, [
            'model',
            'none',
            'architecture',
          ]),
      ],
    ]);
    const pick = (selector: string): void => document.querySelector<HTMLElement>(selector)!.click();
    const type = (input: HTMLInputElement): void => {
      input.value = input.value === '' ? 'topk' : '';
      input.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const slide = (input: HTMLInputElement): void => {
      input.value = String((Number(input.value) + 7) % 100);
      input.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const choose = (select: HTMLSelectElement, values: string[]): void => {
      select.value = values[(values.indexOf(select.value) + 1) % values.length]!;
      select.dispatchEvent(new Event('change', { bubbles: true }));
    };
    await paint();
    const from = performance.now();
    changes.get(code)!();
    return (await paint()) - from;
  }, change);
}

async function loadTime(browser: Browser, server: StaticServer): Promise<number> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(server.url, { waitUntil: 'commit' });
  const at = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const look = (): void => {
          if (document.querySelector('.explorer .filters:not([disabled])') === null) setTimeout(look, 5);
          else resolve(performance.now());
        };
        look();
      }),
  );
  await page.close();
  return at;
}

async function built(): Promise<string> {
  const [content, out] = [join(folder, 'content'), join(folder, 'dist')];
  writeMany(RECORDS, content);
  const { code, output } = await buildSite({ content, out, cache: join(folder, 'cache'), base: '/board/' });
  if (code !== 0) throw new Error(output);
  return out;
}

const browser = await launchBrowser();
const folder = await mkdtemp(join(tmpdir(), 'interpboard-bench-explorer-'));
try {
  if (browser === null) throw new Error(howToEnable);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores; ${RECORDS} records`);
  const out = process.env.INTERPBOARD_BENCH_SITE ?? (await built());
  const server = await serveFolder(out, '/board/');
  const loads: number[] = [];
  for (let i = 0; i < LOADS; i++) loads.push(await loadTime(browser, server));
  console.log(
    `usable after ${median(loads).toFixed(0)} ms (${loads.map((each) => each.toFixed(0)).join(', ')})`,
  );

  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(server.url, { waitUntil: 'networkidle' });
  await page.waitForSelector('.explorer .filters:not([disabled])', { state: 'attached' });
  // What is loaded on demand comes before anything is measured.
  const coming = page.waitForResponse(/\/data\/metrics\//);
  await page.mouse.move(700, 500);
  await coming;
  await page.waitForLoadState('networkidle');
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  /** Processor time of the page's thread so far, ms. */
  const worked = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
  // What the page puts off until the frame is on the screen is put off further, to be told from what is before it.
  await page.evaluate((patience) => {
    const real = window.setTimeout.bind(window);
    Reflect.set(window, 'setTimeout', (work: () => void, after?: number) => real(work, after || patience));
  }, PUT_OFF);
  const places = { picture: '.picture', table: '.board' } as const;
  for (const [place, selector] of Object.entries(places)) {
    await page.locator(selector).evaluate((element) => element.scrollIntoView());
    await page.waitForTimeout(PUT_OFF);
    console.log(`with the ${place} in sight:`);
    for (const change of ['filter', 'search', 'sort', 'weights', 'axis', 'panels']) {
      const [times, work, later]: [number[], number[], number[]] = [[], [], []];
      for (let i = 0; i < ROUNDS; i++) {
        const before = await worked();
        times.push(await measureIn(page, change));
        const painted = await worked();
        work.push(painted - before);
        await page.waitForTimeout(2 * PUT_OFF);
        await page.waitForLoadState('networkidle');
        later.push((await worked()) - painted);
      }
      console.log(
        `  ${change}: ${median(times).toFixed(0)} ms (${times.map((each) => each.toFixed(0)).join(', ')}); processor time ${median(work).toFixed(0)} ms, and ${median(later).toFixed(0)} ms behind that frame`,
      );
    }
  }
  await server.close();
} finally {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
}
