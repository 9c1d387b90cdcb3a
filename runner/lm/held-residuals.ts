/** Activations at the hooks of a resident language model, left where its segments compute them. */
import type { HeldTensor } from '../onnx/session.ts';
import { Carried } from './carried.ts';
import type { LanguageModel, TokenBatch } from './language-model.ts';
import type { SquareSums } from './square-sums.ts';

interface Parts extends Pick<LanguageModel, 'hooks' | 'segments' | 'residuals'> {
  /** What a segment makes of what the one before it made. */
  step(segment: number, given: Carried | null, batch: TokenBatch): Promise<Float32Array | Carried>;
  squareSums: SquareSums;
}

/** As `LanguageModel.heldResiduals`. */
export async function heldResiduals(
  { hooks, segments, step, squareSums, residuals }: Parts,
  batch: TokenBatch,
): Promise<HeldTensor[]> {
  const found: HeldTensor[] = [];
  let x: Carried | null = null;
  try {
    for (let segment = 0; found.length < hooks.length; segment++) {
      const next: Float32Array | Carried = await step(segment, x, batch);
      if (!(next instanceof Carried)) throw new TypeError('a model that is not resident holds nothing');
      x?.dispose();
      x = next;
      if (segments[segment]!.hook === null) continue;
      const value = next.takeValue();
      found.push(value);
      // Numbers that are not finite are found by the host, which says what they came from.
      if (!Number.isFinite(await squareSums.of(value))) await residuals(batch, found.length - 1);
    }
    return found;
  } catch (error) {
    for (const tensor of found) tensor.dispose();
    throw error;
  } finally {
    x?.dispose();
  }
}
