/** SAEs of others, tried on activations of their hook before they are evaluated. */
import { indexOfHook } from '../../hook.ts';
import type { ActivationModel, TokenBatch } from '../../lm/language-model.ts';
import type { Device } from '../../onnx/devices.ts';
import { type Reporter, Stopped } from '../../reporter.ts';
import type { SaeFile } from '../../sae/checkpoints/loaded.ts';
import { type SelfTest, selfTest } from '../../sae/checkpoints/self-test.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';

/** Tokens that are looked at: enough for a variance. */
const TOKENS = 512;
/**
 * Tokens of a norm this many times the median are left out. A few positions (the first of a row, mostly) have norms so
 * large that the variance is theirs alone, and SAEs are often not trained on them.
 */
const OUTLIER = 10;

export interface Tested extends SelfTest {
  tokens: number;
}

/**
 * @param batches of evaluation text; the first tokens are taken
 * @returns by the SAEs' ids
 * @throws MalformedError with both figures when an SAE fits better read in another way than declared
 * @throws Stopped when the user asked to stop
 */
export async function selfTests(
  model: ActivationModel,
  batches: readonly TokenBatch[],
  saes: readonly { planned: PlannedSae; file: SaeFile }[],
  options: { device: Device; threads?: number },
  reporter: Reporter,
): Promise<Map<string, Tested>> {
  const results = new Map<string, Tested>();
  if (saes.length === 0) return results;
  const residuals = await model.residuals(firstTokens(batches));
  for (const [done, { planned, file }] of saes.entries()) {
    if (reporter.stopRequested()) throw new Stopped();
    reporter.progress(done, saes.length);
    const hook = indexOfHook(model.hooks, planned);
    const x = usual(residuals[hook]!, file.sae.d_in);
    const tokens = x.length / file.sae.d_in;
    const result = await selfTest(
      { sae: file.sae, format: file.format, name: planned.id },
      x,
      tokens,
      options,
    );
    if (result !== null) results.set(planned.id, { ...result, tokens });
  }
  reporter.progress(saes.length, saes.length);
  return results;
}

/** So many whole rows as hold the tokens wanted, or the start of one row. */
function firstTokens(batches: readonly TokenBatch[]): TokenBatch {
  const [batch] = batches;
  if (batch === undefined) throw new RangeError('no text to test SAEs on');
  const tokens = Math.min(batch.tokens, TOKENS);
  const rows = Math.min(batch.rows, Math.max(1, Math.floor(TOKENS / tokens)));
  const ids = new Int32Array(rows * tokens);
  for (let row = 0; row < rows; row++) {
    ids.set(batch.ids.subarray(row * batch.tokens, row * batch.tokens + tokens), row * tokens);
  }
  return { ids, rows, tokens, ...(batch.stream === undefined ? {} : { stream: batch.stream }) };
}

/** The tokens [.., d] whose norm is not many times the median's. */
function usual(x: Float32Array, d: number): Float32Array {
  const norms = Array.from({ length: x.length / d }, (_, t) => Math.hypot(...x.subarray(t * d, (t + 1) * d)));
  const median = [...norms].sort((a, b) => a - b)[norms.length >> 1]!;
  const kept = norms.flatMap((norm, t) => (norm <= OUTLIER * median ? [t] : []));
  const out = new Float32Array(kept.length * d);
  for (const [i, t] of kept.entries()) out.set(x.subarray(t * d, (t + 1) * d), i * d);
  return out;
}
