/** Which latents are shown where not all of them fit. */
import { random, shuffle } from '../../math/random.ts';
import type { Choice } from '../../report/features.ts';

export interface Candidate {
  latent: number;
  /** Share of tokens that it fires on. */
  rate: number;
  /** Greatest cosine of its decoder row with another; null where it is not known. */
  nearest: number | null;
}

/**
 * All candidates where they are no more than `most`; else those that suites used, half of the room at most, then of what is left a
 * quarter each of the densest and of the most isolated (of least greatest cosine), and the rest at random.
 *
 * @param used in the order in which they are taken
 * @returns by latent, ascending
 */
export function chosenLatents(
  candidates: readonly Candidate[],
  most: number,
  seed: number,
  used: readonly number[] = [],
): Map<number, Choice> {
  const chosen = new Map<number, Choice>();
  if (candidates.length <= most) {
    for (const { latent } of candidates) chosen.set(latent, 'all');
    return chosen;
  }
  const take = (order: readonly Candidate[], count: number, as: Choice): void => {
    const until = Math.min(most, chosen.size + count);
    for (const { latent } of order) {
      if (chosen.size >= until) return;
      if (!chosen.has(latent)) chosen.set(latent, as);
    }
  };
  const known = new Map(candidates.map((each) => [each.latent, each]));
  take(
    used.flatMap((latent) => known.get(latent) ?? []),
    Math.floor(most / 2),
    'used',
  );
  const quarter = Math.floor((most - chosen.size) / 4);
  take(
    candidates.toSorted((a, b) => b.rate - a.rate || a.latent - b.latent),
    quarter,
    'dense',
  );
  const placed = candidates.filter(({ nearest }) => nearest !== null);
  take(
    placed.toSorted((a, b) => a.nearest! - b.nearest! || a.latent - b.latent),
    quarter,
    'isolated',
  );
  const order = shuffle(
    Int32Array.from(candidates, (_, i) => i),
    random('features', seed),
  );
  take(
    Array.from(order, (place) => candidates[place]!),
    most,
    'random',
  );
  return new Map([...chosen].sort(([a], [b]) => a - b));
}
