/** Evidence of latents whose meaning is known: latent i fires on the word wi, and on nothing else. */
import { random } from '../../../runner/math/random.ts';
import type { FeatureFiles } from '../../../runner/report/feature-files.ts';
import { type FeatureWindows, windowsVersion } from '../../../runner/report/feature-windows.ts';
import type { Feature } from '../../../runner/report/features.ts';
import { madeFeature, madeIndex, madeShard } from '../report/made-evidence.ts';

const FILLERS = 40;
const WIDTH = 9;
export const SHA256 = 'b'.repeat(64);

/** @param latents at most 64 */
export function knownEvidence(latents: number, seed = 1): FeatureFiles {
  const stream = random('known evidence', seed);
  const tokens: Record<string, string> = {};
  for (let i = 0; i < latents; i++) tokens[String(i)] = ` w${i}`;
  for (let i = 0; i < FILLERS; i++) tokens[String(100 + i)] = ` filler${i}`;
  const filler = (): number => 100 + stream.integer(FILLERS);
  const context = (kind: 'top' | 'sampled', latent: number, row: number): Feature['contexts'][number] => {
    const peak = stream.integer(WIDTH);
    const ids = Array.from({ length: WIDTH }, (_, i) => (i === peak ? latent : filler()));
    return { kind, row, start: 0, peak, ids, values: ids.map((id) => (id === latent ? 2 : 0)) };
  };
  const features = Array.from({ length: latents }, (_, latent) =>
    madeFeature({
      latent,
      histogram: { first: 4, counts: [18] },
      contexts: [
        ...Array.from({ length: 12 }, (_, i) => context('top', latent, i)),
        ...Array.from({ length: 6 }, (_, i) => context('sampled', latent, 12 + i)),
      ],
    }),
  );
  const windows = Array.from({ length: 120 }, (_, row) => ({
    row,
    start: 0,
    // In one of three a word of some latent.
    ids: Array.from({ length: WIDTH }, (_, i) =>
      row % 3 === 0 && i === 4 ? stream.integer(latents) : filler(),
    ),
  }));
  const fires = Object.fromEntries(
    features.map(({ latent }) => [
      String(latent),
      windows.flatMap(({ ids }, place) => (ids.includes(latent) ? [place] : [])),
    ]),
  );
  const index = madeIndex(
    { latent: features.map(({ latent }) => latent) },
    {
      sha256: SHA256,
      d_sae: latents,
      text: { name: 'text', split: 'held out', rows: 120, row_tokens: WIDTH, documents: 120 },
      contexts: { top: 12, sampled: 6, before: 4, after: 4 },
      no_directions: 'known',
      tokens,
    },
  );
  const seen: FeatureWindows = { schema: windowsVersion, sha256: SHA256, windows, fires, tokens };
  return {
    'index.json': JSON.stringify(index),
    '0.json': JSON.stringify(madeShard(features, SHA256)),
    'windows.json': JSON.stringify(seen),
  };
}
