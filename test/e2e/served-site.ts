/** The site as built from the committed records and the published ones, served under a base path. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { buildSite } from './build-site.ts';
import { once } from './shared.ts';
import { type StaticServer, serveFolder } from './static-server.ts';

export const base = '/board/';
export const fixtures = fileURLToPath(new URL('../fixtures/site/records/', import.meta.url));
const light = fileURLToPath(new URL('../fixtures/site/light/', import.meta.url));
const similarity = fileURLToPath(new URL('../fixtures/site/similarity/', import.meta.url));
const published = fileURLToPath(new URL('../../content/published/', import.meta.url));

export interface ServedSite {
  /** A temporary folder. */
  folder: string;
  /** The built files, which several test files read. */
  dist: string;
  server: StaticServer;
  close(): Promise<void>;
}

/** Opens a page of the built site for a case of the browser tests. */
export type WithPage = (
  path: string,
  options: BrowserContextOptions,
  use: (page: Page, context: BrowserContext) => Promise<void>,
) => Promise<void>;

async function build(folder: string): Promise<void> {
  const content = join(folder, 'content');
  await cp(fixtures, join(content, 'measured'), { recursive: true });
  await cp(light, join(content, 'measured/light'), { recursive: true });
  await cp(similarity, join(content, 'measured/similarity'), { recursive: true });
  await cp(published, join(content, 'published'), { recursive: true });
  const out = join(folder, 'dist');
  const { code, output } = await buildSite({ content, out, cache: join(folder, 'cache'), base, docs: true });
  expect(code, output).toBe(0);
  expect(output).not.toMatch(/\bWARN|\bwarning/i);
}

export async function serveSite(): Promise<ServedSite> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-site-'));
  const dist = join(await once('site', build), 'dist');
  const server = await serveFolder(dist, base);
  return {
    folder,
    dist,
    server,
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What a page or an element may take: playwright's own 30 seconds are not enough where others are at work. */
const PATIENCE_MS = 300_000;

/** Opens a page of the site for as long as it is used; what the browser complains of fails the test. */
export async function withPage(
  browser: Browser,
  { server }: Pick<ServedSite, 'server'>,
  path: string,
  options: BrowserContextOptions,
  use: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const complaints: string[] = [];
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  try {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(`${path}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`));
    await page.goto(server.url + path, { waitUntil: 'load' });
    await use(page, context);
  } finally {
    await context.close();
  }
  expect(complaints).toEqual([]);
}

/** Has the page's script find a file out of reach; null for none. Nothing is logged, as by a server's answer it would be. */
export function withoutFile(page: Page, path: string | null): Promise<void> {
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
