import type { APIRoute, GetStaticPaths } from 'astro';
import { EXPLANATIONS_FILE, INDEX_FILE } from '../../../../../runner/report/feature-places.ts';
import { readExplanations, readIndex, readShard, recordsWithFeatures } from '../../../../lib/features.ts';

export const getStaticPaths = (async () =>
  (await recordsWithFeatures()).flatMap(({ entry, files, folder }) =>
    files.map((name) => ({
      params: { id: entry.id, file: name.replace(/\.json$/, '') },
      props: { folder, name, sha256: entry.sae.sha256! },
    })),
  )) satisfies GetStaticPaths;

/** Evidence of latents, held to its schema, for the page that shows them. */
export const GET: APIRoute<Props> = ({ props }) =>
  new Response(`${JSON.stringify(contentOf(props))}\n`, {
    headers: { 'Content-Type': 'application/json' },
  });

interface Props {
  folder: string;
  name: string;
  /** Of the SAE. */
  sha256: string;
}

function contentOf({ folder, name, sha256 }: Props): unknown {
  if (name === INDEX_FILE) return readIndex(folder);
  return name === EXPLANATIONS_FILE ? readExplanations(folder, sha256) : readShard(folder, name);
}
