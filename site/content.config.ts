import { defineCollection } from 'astro:content';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { glob } from 'astro/loaders';
import { record } from '../runner/report/schema.ts';

const folder = resolve(process.env.INTERPBOARD_CONTENT ?? 'content');
if (!existsSync(folder)) {
  throw new Error(
    `${folder}: found no such folder; expected the records of the site. Set INTERPBOARD_CONTENT or run npm run eval.`,
  );
}

/** One JSON file, one record: one SAE at one hook. A file that breaks the schema fails the build by name and field. */
const records = defineCollection({
  loader: glob({
    base: folder,
    pattern: '**/*.json',
    // The path, not a field, so that two files cannot silently become one entry.
    generateId: ({ entry }) => entry,
  }),
  schema: record,
});

export const collections = { records };
