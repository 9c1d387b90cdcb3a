/**
 * Work on several devices at once: what lies on one of them is done one after the other, in order, and devices do not wait for each other. Only
 * what runs aside (session.ts) overlaps: on CUDA. Elsewhere, and with one device, it is a loop.
 *
 * @param laneOf names where an item lies
 * @returns what came of each, in the items' order
 * @throws what the first of them failed of that did, when nothing runs any more
 */
export async function sideBySide<Item, Result>(
  items: readonly Item[],
  laneOf: (item: Item, index: number) => unknown,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const lanes = new Map<unknown, number[]>();
  for (const [i, item] of items.entries()) {
    const lane = laneOf(item, i);
    const waiting = lanes.get(lane);
    if (waiting === undefined) lanes.set(lane, [i]);
    else waiting.push(i);
  }
  const results = Array<Result>(items.length);
  const ways = [...lanes.values()].map(async (lane) => {
    for (const i of lane) results[i] = await work(items[i]!, i);
  });
  const failed = (await Promise.allSettled(ways)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  return results;
}
