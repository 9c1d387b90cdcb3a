/** What a reader of a built page loads, in bytes as a server sends them (gzip). */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Budgets in bytes, gzipped; 1 kB is 1,000 bytes. Those of the front page hold with 1,000 records. */
export const budgets = {
  frontHtml: 150_000,
  frontScripts: 90_000,
  firstData: 150_000,
  pageScripts: 60_000,
} as const;

export function gzipped(file: string): number {
  return gzipSync(readFileSync(file)).byteLength;
}

/** Every script a page loads, with what those import in turn, as paths in the built site; sorted. */
export function scriptsOf(dist: string, page: string, base: string): string[] {
  const html = readFileSync(join(dist, page), 'utf8');
  const named = [
    ...html.matchAll(
      /(?:<script[^>]*\ssrc|\scomponent-url|\srenderer-url|\sbefore-hydration-url)="([^"]+)"/g,
    ),
  ];
  const found = new Set<string>();
  const queue = named.map(([, address]) => address!.slice(base.length));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    const text = readFileSync(join(dist, file), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+\.js)["']/g))
      queue.push(relative(dist, join(dist, dirname(file), specifier!)));
  }
  return [...found].toSorted();
}

export function scriptBytes(dist: string, page: string, base: string): number {
  return scriptsOf(dist, page, base).reduce((sum, file) => sum + gzipped(join(dist, file)), 0);
}

export interface Built {
  files: number;
  bytes: number;
  pages: string[];
}

export function builtFiles(dist: string): Built {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(dist, file)).isFile(),
  );
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + statSync(join(dist, file)).size, 0),
    pages: files.filter((file) => file.endsWith('.html')).toSorted(),
  };
}
