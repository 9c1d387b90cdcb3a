/** How a run's SAEs are shared out among shards: neighbours stay together, and the dearest shard is as cheap as can be. */

/** Halvings of the limit that the dearest shard is held to: more digits than a double has. */
const HALVINGS = 60;

/**
 * Cuts a row of items into `of` stretches, none of them empty, whose largest cost is the least there is.
 *
 * @param count of items, in the order in which neighbours share work; at least `of`
 * @param cost of the items from (inclusive) to (exclusive); a longer stretch costs no less than one within it
 * @returns where each stretch ends, ascending; the last is `count`
 */
export function splitByCost(count: number, of: number, cost: (from: number, to: number) => number): number[] {
  if (!(of >= 1 && of <= count)) throw new RangeError(`${count} items cannot be cut into ${of}`);
  let below = 0;
  let limit = cost(0, count);
  let ends = [count];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = below + (limit - below) / 2;
    const found = stretches(count, middle, cost);
    if (found === null || found.length > of) below = middle;
    else [limit, ends] = [middle, found];
  }
  while (ends.length < of) ends = halveDearest(ends, cost);
  return ends;
}

/** As few stretches as there can be that cost no more than the limit each; null where one item alone costs more. */
function stretches(
  count: number,
  limit: number,
  cost: (from: number, to: number) => number,
): number[] | null {
  const ends: number[] = [];
  for (let from = 0; from < count; ) {
    if (cost(from, from + 1) > limit) return null;
    let low = from + 1;
    let high = count;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (cost(from, middle) <= limit) low = middle;
      else high = middle - 1;
    }
    ends.push(low);
    from = low;
  }
  return ends;
}

/** Cuts the dearest stretch of several items in two, where the dearer half is cheapest. */
function halveDearest(ends: readonly number[], cost: (from: number, to: number) => number): number[] {
  const all = ends.map((to, i) => ({ from: i === 0 ? 0 : ends[i - 1]!, to }));
  const dearest = all
    .filter(({ from, to }) => to - from > 1)
    .reduce((a, b) => (cost(b.from, b.to) > cost(a.from, a.to) ? b : a));
  let best = dearest.from + 1;
  let least = Number.POSITIVE_INFINITY;
  for (let at = dearest.from + 1; at < dearest.to; at++) {
    const dearer = Math.max(cost(dearest.from, at), cost(at, dearest.to));
    if (dearer < least) {
      least = dearer;
      best = at;
    }
  }
  return [...ends, best].sort((a, b) => a - b);
}
