/** Draws of the bootstrap: how often each block is drawn, from a stream that has a name. */
import { random } from './random.ts';

/**
 * Draws with replacement within each stratum, as many as it has blocks.
 *
 * @param strata numbers of blocks that are drawn among one another
 * @param blocks how many there are in all
 * @param seed names the stream, together with `blocks`
 * @returns [count, blocks] row-major: times each block was drawn
 */
export function drawBlocks(
  strata: readonly ArrayLike<number>[],
  blocks: number,
  count: number,
  seed: number | string,
): Uint16Array {
  const weights = new Uint16Array(count * blocks);
  const stream = random('bootstrap', seed, blocks);
  for (let b = 0; b < count; b++) {
    for (const stratum of strata) {
      for (let draw = 0; draw < stratum.length; draw++) {
        weights[b * blocks + stratum[stream.integer(stratum.length)]!]!++;
      }
    }
  }
  return weights;
}
