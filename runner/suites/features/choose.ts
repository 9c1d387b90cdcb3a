/** Which latents are shown where not all of them fit. */
import { random, shuffle } from '../../math/random.ts';
import type { Choice } from '../../report/features.ts';

export interface Candidate {
  latent: number;
  /** Share of tokens that it fires on. */
  rate: number;
}

/** The most isolated are looked for among so many times the latents that there is still room for. */
const POOL = 2;

/**
 * All candidates where they are no more than `most`; else those that suites used, half of the room at most, then of what is left a
 * quarter the densest. The rest of the room is filled from a random sample of the others of twice its size: a quarter of what was left
 * with its most isolated (of least greatest cosine with another row), and all else with its first.
 *
 * @param used in the order in which they are taken
 * @param nearest the greatest cosine of each latent's decoder row with another, null where there is none; asked once
 * @returns by latent, ascending
 */
export async function chosenLatents(
  candidates: readonly Candidate[],
  most: number,
  seed: number,
  used: readonly number[],
  nearest: (latents: readonly number[]) => Promise<readonly (number | null)[]>,
): Promise<Map<number, Choice>> {
  const chosen = new Map<number, Choice>();
  if (candidates.length <= most) {
    for (const { latent } of candidates) chosen.set(latent, 'all');
    await nearest([...chosen.keys()]);
    return chosen;
  }
  const take = (latents: Iterable<number>, count: number, as: Choice): void => {
    const until = Math.min(most, chosen.size + count);
    for (const latent of latents) {
      if (chosen.size >= until) return;
      if (!chosen.has(latent)) chosen.set(latent, as);
    }
  };
  const known = new Set(candidates.map(({ latent }) => latent));
  take(
    used.filter((latent) => known.has(latent)),
    Math.floor(most / 2),
    'used',
  );
  const quarter = Math.floor((most - chosen.size) / 4);
  const byRate = candidates.toSorted((a, b) => b.rate - a.rate || a.latent - b.latent);
  take(
    byRate.map(({ latent }) => latent),
    quarter,
    'dense',
  );
  const others = Int32Array.from([...known].filter((latent) => !chosen.has(latent)));
  const pool = [...shuffle(others, random('features', seed)).subarray(0, POOL * (most - chosen.size))];
  const cosines = (await nearest([...chosen.keys(), ...pool])).slice(-pool.length);
  const isolated = pool
    .flatMap((latent, place) => {
      const cosine = cosines[place]!;
      return cosine === null ? [] : [{ latent, cosine }];
    })
    .sort((a, b) => a.cosine - b.cosine || a.latent - b.latent);
  take(
    isolated.map(({ latent }) => latent),
    quarter,
    'isolated',
  );
  take(pool, most, 'random');
  return new Map([...chosen].sort(([a], [b]) => a - b));
}
