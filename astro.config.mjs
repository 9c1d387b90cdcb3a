import { fileURLToPath } from 'node:url';
import react from '@astrojs/react';
import { defineConfig } from 'astro/config';

// Astro reports usage unless told otherwise; the variable is read when it would send, so setting it here is in time.
process.env.ASTRO_TELEMETRY_DISABLED = '1';

const root = fileURLToPath(new URL('.', import.meta.url));

/**
 * Environment:
 *   INTERPBOARD_BASE     path the site is served under, for Pages and Spaces (default "/")
 *   INTERPBOARD_SITE     its address, for canonical links (default none)
 *   INTERPBOARD_CONTENT  folder of the records (default content/)
 *   INTERPBOARD_OUT      folder to write (default dist/)
 *   INTERPBOARD_CACHE    folder of Astro's own cache (default .cache/astro/); builds at the same time need one each
 */
export default defineConfig({
  root,
  srcDir: 'site',
  publicDir: 'public',
  outDir: process.env.INTERPBOARD_OUT ?? 'dist',
  cacheDir: process.env.INTERPBOARD_CACHE ?? '.cache/astro',
  base: process.env.INTERPBOARD_BASE ?? '/',
  site: process.env.INTERPBOARD_SITE || undefined,
  output: 'static',
  trailingSlash: 'ignore',
  // Two files that make one address would hide one another.
  prerenderConflictBehavior: 'error',
  devToolbar: { enabled: false },
  // Keeps the spaces between words and links that stand on separate source lines.
  compressHTML: true,
  markdown: { syntaxHighlight: false },
  integrations: [react()],
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
