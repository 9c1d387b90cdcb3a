import type { APIRoute, GetStaticPaths } from 'astro';
import { INDEX_FILE } from '../../../../../runner/report/feature-places.ts';
import { readIndex, readShard, recordsWithFeatures } from '../../../../lib/features.ts';

export const getStaticPaths = (async () =>
  (await recordsWithFeatures()).flatMap(({ entry, files, folder }) =>
    files.map((name) => ({
      params: { id: entry.id, file: name.replace(/\.json$/, '') },
      props: { folder, name },
    })),
  )) satisfies GetStaticPaths;

/** Evidence of latents, held to its schema, for the page that shows them. */
export const GET: APIRoute<{ folder: string; name: string }> = ({ props: { folder, name } }) =>
  new Response(`${JSON.stringify(name === INDEX_FILE ? readIndex(folder) : readShard(folder, name))}\n`, {
    headers: { 'Content-Type': 'application/json' },
  });
