/** The tokens that a language model is to give next, alone and of many batches over one row of residuals. */
import { lossCount, type TokenBatch } from './language-model.ts';

/** The next token of each position [rows · tokens], −1 where there is none. */
export function targetsOf(batch: TokenBatch): Int32Array {
  const targets = new Int32Array(batch.ids.length).fill(-1);
  for (let row = 0; row < batch.rows; row++) {
    const start = row * batch.tokens;
    const count = lossCount(batch, row);
    targets.set(batch.ids.subarray(start + 1, start + 1 + count), start);
  }
  return targets;
}

/**
 * Those of all rows of all batches, which are equally long: a position's targets in all rows stand together.
 *
 * @returns targets [tokens, rows of all batches]; null without rows
 */
export function targetsTogether(
  batches: readonly TokenBatch[],
): { targets: Int32Array; tokens: number } | null {
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const tokens = batches[0]?.tokens;
  if (rows === 0 || tokens === undefined) return null;
  const targets = new Int32Array(tokens * rows);
  let first = 0;
  for (const batch of batches) {
    targetsOf(batch).forEach((id, at) => {
      targets[(at % tokens) * rows + first + Math.floor(at / tokens)] = id;
    });
    first += batch.rows;
  }
  return { targets, tokens };
}

/** The other way round: of losses [tokens, rows of all batches] those of each batch [rows, tokens]. */
export function lossesApart(nll: Float32Array, batches: readonly TokenBatch[]): Float32Array[] {
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  let first = 0;
  return batches.map((batch) => {
    const losses = new Float32Array(batch.rows * batch.tokens);
    for (let row = 0; row < batch.rows; row++) {
      for (let t = 0; t < batch.tokens; t++) losses[row * batch.tokens + t] = nll[t * rows + first + row]!;
    }
    first += batch.rows;
    return losses;
  });
}
