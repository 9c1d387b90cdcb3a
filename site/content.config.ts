import { defineCollection } from 'astro:content';
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { checkContent } from '../runner/report/content-files.ts';
import { schemaVersion } from '../runner/report/schema.ts';
import { contentFiles, contentFolder, readContent } from './lib/content.ts';
import { hasDocs, titleOf } from './lib/docs.ts';

if (!existsSync(contentFolder)) {
  throw new Error(
    `${contentFolder}: found no such folder; expected the records of the site. Set INTERPBOARD_CONTENT or run npx interpboard eval.`,
  );
}

/**
 * The files of the content folder. One that breaks its schema fails the build by name and field, before anything is
 * written; what has not changed since the last build is not held to it again. Entries carry no data: a store of a
 * thousand whole records would go through the bundler.
 */
const records = defineCollection({
  loader: {
    name: 'records',
    load: async ({ store, generateDigest }) => {
      const files = contentFiles();
      for (const file of store.keys()) if (!files.includes(file)) store.delete(file);
      for (const file of files) {
        const text = readContent(file);
        const digest = generateDigest(`${schemaVersion} ${text}`);
        if (store.get(file)?.digest === digest) continue;
        checkContent(file, text);
        store.set({ id: file, data: {}, digest });
      }
    },
  },
  schema: z.object({}),
});

/** Pages of docs/, of which other pages read the Markdown and its HTML; none in a report of a user's own. */
const docs = defineCollection({
  loader: {
    name: 'docs',
    load: async ({ store, renderMarkdown }) => {
      store.clear();
      if (!hasDocs) return;
      const files = import.meta.glob<string>('../docs/**/*.md', { query: '?raw', import: 'default' });
      for (const [path, read] of Object.entries(files)) {
        const id = path.replace(/^\.\.\/docs\/|\.md$/g, '');
        const text = await read();
        const rendered = await renderMarkdown(text);
        const headings = (rendered.metadata?.headings ?? []).map(({ slug }) => slug);
        store.set({ id, data: { title: titleOf({ id, text }), headings }, body: text, rendered });
      }
    },
  },
  schema: z.object({ title: z.string(), headings: z.array(z.string()) }),
});

export const collections = { records, docs };
