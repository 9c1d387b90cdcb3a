/** Which latents of an index a reader asks for, and in which order. */
import type { FeatureIndex } from '../../runner/report/features.ts';

export const orders = ['latent', 'max', 'dense', 'rare', 'isolated', 'norm'] as const;
export type Order = (typeof orders)[number];

/**
 * Places in the index of the latents that a query finds: a number finds that latent, other words those that are strongest on a
 * token that holds them, whatever the case.
 */
export function findLatents({ columns, tokens }: FeatureIndex, query: string, order: Order): number[] {
  const asked = query.trim().toLowerCase();
  const number = /^\d+$/.test(asked) ? Number(asked) : null;
  const places = columns.latent.flatMap((latent, place) => {
    const named = (): boolean =>
      columns.peaks[place]!.some((id) => (tokens[String(id)] ?? '').toLowerCase().includes(asked));
    return asked === '' || latent === number || named() ? [place] : [];
  });
  const by = keyOf(columns, order);
  return places.sort((a, b) => by(a) - by(b) || a - b);
}

/** The less, the earlier. */
function keyOf(columns: FeatureIndex['columns'], order: Order): (place: number) => number {
  switch (order) {
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
