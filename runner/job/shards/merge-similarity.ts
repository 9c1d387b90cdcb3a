/** The decoders of a run's shards against one another: what each shard compared is taken over as far as
 * the budget of the whole run reaches, the rest compared here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SIMILARITY_FILE } from '../../report/similarity.ts';
import { readSimilarity } from '../../report/similarity-file.ts';
import type { Reporter } from '../../reporter.ts';
import { openRelease } from '../../sae/checkpoints/reference-release.ts';
import { FIRED_FILE, readFired } from '../evaluation/fired-latents.ts';
import { type SaeToCompare, similarityStage } from '../evaluation/similarity-stage.ts';
import type { FoundShards } from './merge.ts';

/**
 * Of SAEs that the run trained the merged folder has the weights; those of others are compared within their shards alone.
 *
 * @param folder the merged run's
 */
export async function mergeSimilarity(
  folder: string,
  { config, parts }: FoundShards,
  reporter: Reporter,
): Promise<void> {
  // Shards of an earlier version do not say what fired.
  if (!parts.every((part) => existsSync(join(part.folder, FIRED_FILE)))) return;
  const fired = [];
  const others = [];
  for (const part of parts) {
    fired.push(await readFired(part.folder));
    others.push((await readSimilarity(join(part.folder, SIMILARITY_FILE))) ?? []);
  }
  const saes = parts.flatMap(({ records }) =>
    records.map(({ id, record: { sae } }): SaeToCompare => {
      const trained = sae.training !== null && sae.source === undefined;
      return { id, layer: sae.layer, open: trained ? () => openRelease(folder, id) : null };
    }),
  );
  await similarityStage(
    {
      config,
      folder,
      fired: {
        window_tokens: fired[0]!.window_tokens,
        saes: new Map(fired.flatMap((each) => [...each.saes])),
      },
      others: others.flat(),
    },
    saes.sort((a, b) => a.layer - b.layer),
    reporter,
  );
}
