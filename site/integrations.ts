/** What a build adds when all pages are written. */
import { writeFile } from 'node:fs/promises';
import type { AstroIntegration } from 'astro';
import { sitemap } from './lib/feed.ts';

/** sitemap.xml of the pages that were built; none for a site that does not know its address. */
export function sitemapOf(home: URL | null): AstroIntegration {
  return {
    name: 'sitemap',
    hooks: {
      'astro:build:done': async ({ pages, dir }) => {
        if (home === null) return;
        const addresses = pages
          .filter(({ pathname }) => !/^404\b/.test(pathname))
          .map(({ pathname }) => new URL(pathname, home).href);
        await writeFile(new URL('sitemap.xml', dir), sitemap(addresses));
      },
    },
  };
}
