/** Which latents of an index a reader asks for, and in which order. */
import type { FeatureIndex } from '../../runner/report/features.ts';
import { usesNamed, weightShares } from './uses.ts';

export const orders = ['latent', 'max', 'dense', 'rare', 'isolated', 'norm', 'effect', 'weight'] as const;
export type Order = (typeof orders)[number];

/**
 * Places in the index of the latents that a query finds: a number finds that latent, other words those that are strongest on a
 * token that holds them, that a concept uses which does, or whose explanation does, whatever the case.
 *
 * @param explanationOf of a latent; undefined where it has none
 */
export function findLatents(
  index: FeatureIndex,
  query: string,
  order: Order,
  explanationOf: (latent: number) => string | undefined = () => undefined,
): number[] {
  const { columns, tokens } = index;
  const asked = query.trim().toLowerCase();
  const concepts = usesNamed(index, asked);
  const used = new Set(concepts.flatMap(({ latents }) => latents.map(([latent]) => latent)));
  const number = /^\d+$/.test(asked) ? Number(asked) : null;
  const places = columns.latent.flatMap((latent, place) => {
    const named = (): boolean =>
      explanationOf(latent)?.toLowerCase().includes(asked) ||
      columns.peaks[place]!.some((id) => (tokens[String(id)] ?? '').toLowerCase().includes(asked));
    return asked === '' || latent === number || used.has(latent) || named() ? [place] : [];
  });
  const by = keyOf(columns, order, () => weightShares(concepts.length > 0 ? concepts : (index.uses ?? [])));
  return places.sort((a, b) => by(a) - by(b) || a - b);
}

/** The less, the earlier. */
function keyOf(
  columns: FeatureIndex['columns'],
  order: Order,
  shares: () => ReadonlyMap<number, number>,
): (place: number) => number {
  switch (order) {
    case 'effect':
      return (place) => -(columns.effect?.[place] ?? Number.NEGATIVE_INFINITY);
    case 'weight': {
      const found = shares();
      return (place) => -(found.get(columns.latent[place]!) ?? 0);
    }
    case 'latent':
      return (place) => place;
    case 'max':
      return (place) => -columns.max[place]!;
    case 'dense':
      return (place) => -columns.rate[place]!;
    case 'rare':
      return (place) => columns.rate[place]!;
    case 'isolated':
      return (place) => columns.nearest[place] ?? Number.POSITIVE_INFINITY;
    case 'norm':
      return (place) => -(columns.norm[place] ?? Number.NEGATIVE_INFINITY);
  }
}
