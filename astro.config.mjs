import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import react from '@astrojs/react';
import { defineConfig } from 'astro/config';
import { sitemapOf } from './site/integrations.ts';

// Astro reports usage and looks for its updates unless told otherwise; the variables are read when it would ask, so
// setting them here is in time.
process.env.ASTRO_TELEMETRY_DISABLED = '1';
process.env.ASTRO_DISABLE_UPDATE_CHECK = 'true';

// A page leaves garbage of many times its size, which V8 would let grow to four times what lives: of 1,000 records 250 MB
// more, for a build that is no faster.
setFlagsFromString('--heap-growing-percent=50');

// A build that the runner started has nobody to build for once that is gone: its input says so.
if (process.env.INTERPBOARD_ENDS_WITH_INPUT === '1') {
  process.stdin
    .once('end', () => process.exit(1))
    .resume()
    .unref();
  // Whether the terminal's end is the runner's as well is its to say.
  process.on('SIGHUP', () => undefined);
}

const project = fileURLToPath(new URL('.', import.meta.url));
const content = resolve(project, process.env.INTERPBOARD_CONTENT ?? 'content');

const base = process.env.INTERPBOARD_BASE ?? '/';
const site = process.env.INTERPBOARD_SITE || undefined;
const home = site === undefined ? null : new URL(`${base.replace(/\/+$/, '')}/`, site);

// What the cache holds of one folder of records is wrong for another.
const cache = join('.cache/astro', createHash('sha256').update(content).digest('hex').slice(0, 16));
const cacheDir = process.env.INTERPBOARD_CACHE ?? join(process.env.INTERPBOARD_WORK ?? project, cache);

/**
 * Environment:
 *   INTERPBOARD_BASE     path the site is served under, for Pages and Spaces (default "/")
 *   INTERPBOARD_SITE     its address, for canonical links, sitemap and feed (default none)
 *   INTERPBOARD_CONTENT  folder of the records (default content/)
 *   INTERPBOARD_OUT      folder to write (default dist/)
 *   INTERPBOARD_DOCS     1 builds the documentation of docs/ too (default without it: a report is about its records)
 *   INTERPBOARD_WORK     folder of what a build needs while it runs; builds at the same time need one each (default:
 *                        .astro/ and .cache/astro/, the latter with a folder for each INTERPBOARD_CONTENT)
 *   INTERPBOARD_CACHE    folder of Astro's cache of the records (default in the one above)
 *   INTERPBOARD_ENDS_WITH_INPUT  1 ends the build when its input does: a build that the runner started ends with it
 */
export default defineConfig({
  // Astro keeps files of its own in its root, which builds at the same time must not share.
  root: process.env.INTERPBOARD_WORK ?? project,
  srcDir: join(project, 'site'),
  publicDir: join(project, 'public'),
  outDir: resolve(project, process.env.INTERPBOARD_OUT ?? 'dist'),
  cacheDir,
  vite: { cacheDir: join(cacheDir, 'vite') },
  base,
  site,
  output: 'static',
  trailingSlash: 'ignore',
  // Two files that make one address would hide one another.
  prerenderConflictBehavior: 'error',
  devToolbar: { enabled: false },
  // Keeps the spaces between words and links that stand on separate source lines.
  compressHTML: true,
  markdown: { syntaxHighlight: false },
  integrations: [react(), sitemapOf(home)],
  build: { format: 'directory', inlineStylesheets: 'never' },
  security: {
    csp: {
      directives: [
        "default-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "object-src 'none'",
      ],
    },
  },
});
