/** Passes through a language model in which tensors at hooks are seen and replaced, and what is seen in them as rows of statistics. */
import { deserialize, serialize } from 'node:v8';
import { type Hook, hookName } from '../hook.ts';
import { canonicalJson } from '../io/hash.ts';
import { valueOfCut, withValue } from '../lm/cut.ts';
import { type LanguageModel, lossCount, type TokenBatch } from '../lm/language-model.ts';
import { meanOfTokens } from '../metrics/activations.ts';
import type { HookStatistics } from '../metrics/hook-statistics.ts';
import { type Reporter, Stopped } from '../reporter.ts';
import type { Latents } from '../sae/sae.ts';
import { type CachedResults, documentOf, namesOf } from './observation.ts';

/** Where losses are cached, of passes with something replaced; of the SAE with the content hash of its tensors. */
export interface KeptPasses extends CachedResults {
  sha256: string;
}

/** @param kept losses that are cached, such as `with all MLPs replaced`; null where none are: probes and reconstructions never are */
export function stoppedMeasuring(kept: string | null): Stopped {
  return new Stopped(
    kept === null
      ? 'stopped; nothing of the measurement is kept, the same command measures anew'
      : `stopped; losses ${kept} are kept as far as they are known, the same command measures the rest anew`,
  );
}

/** What stands in the place of the tensor at a hook; null leaves it. */
export type AtHook = (hook: Hook, value: Float32Array) => Promise<Float32Array | null> | Float32Array | null;

/** @param what number of passes, their name among cached results, and what their losses are called */
export function replacing(
  { total, name, losses: words }: { total: number; name: string; losses: string },
  reporter: Reporter,
  kept: KeptPasses | undefined,
) {
  let done = 0;

  function stopWhenAsked(): void {
    if (reporter.stopRequested()) throw stoppedMeasuring(kept === undefined ? null : words);
  }

  /** Sums of cross entropy, one per row. */
  async function losses(model: LanguageModel, batch: TokenBatch, at: AtHook): Promise<number[]> {
    let given: Float32Array | null = null;
    for (let segment = 0; segment < model.segments.length - 1; segment++) {
      stopWhenAsked();
      const next: Float32Array = await model.advance(segment, given, batch);
      const { hook } = model.segments[segment]!;
      const widths = model.widths[segment]!;
      const put = hook === null ? null : await at(model.hooks[hook]!, valueOfCut(next, widths));
      given = put === null ? next : withValue(next, put);
    }
    const nll = await model.finish(given, batch);
    return Array.from({ length: batch.rows }, (_, row) => {
      const start = row * batch.tokens;
      return nll.subarray(start, start + lossCount(batch, row)).reduce((sum, each) => sum + each, 0);
    });
  }

  return {
    stopWhenAsked,
    /**
     * One pass.
     *
     * @param into gets its sums of cross entropy, one per row
     * @param follows what its losses follow from besides model and text, to be kept; null where the pass is for what it shows
     */
    async pass(
      model: LanguageModel,
      batch: TokenBatch,
      into: number[],
      follows: unknown,
      at: AtHook,
    ): Promise<void> {
      stopWhenAsked();
      const key =
        kept === undefined || follows === null
          ? null
          : canonicalJson([name, kept.identity, model.hooks.map(hookName), namesOf([batch]), follows]);
      const known = key === null ? undefined : await kept?.cache.get(key);
      const sums = known === undefined ? await losses(model, batch, at) : (deserialize(known) as number[]);
      if (key !== null && known === undefined) kept?.cache.put(key, serialize(sums));
      into.push(...sums);
      reporter.progress(++done, total);
    },
  };
}

/** Next tokens counted, per row. */
export function predictionsOf(batches: readonly TokenBatch[]): Float64Array {
  return Float64Array.from(
    batches.flatMap((batch) => Array.from({ length: batch.rows }, (_, row) => lossCount(batch, row))),
  );
}

/** Of one place in one batch. */
export interface Seen {
  /** What the model has there [tokens, d]. */
  x: Float32Array;
  reconstruction: Float32Array;
  /** Those that belong to it; none where its latents are not counted. */
  latents?: Latents;
  d: number;
  d_sae: number;
}

/** @param seen places that are taken side by side, as one activation and one dictionary */
export function addRows(
  statistics: HookStatistics,
  seen: readonly Seen[],
  batch: TokenBatch,
  pass: number,
): void {
  const passMean = Float64Array.from(seen.flatMap(({ x, d }) => [...meanOfTokens(x, d)]));
  const { tokens } = batch;
  for (let row = 0; row < batch.rows; row++) {
    const rowOf = (name: 'x' | 'reconstruction') =>
      sideBySide(
        seen.map(({ [name]: of, d }) => ({ of: of.subarray(row * tokens * d, (row + 1) * tokens * d), d })),
        tokens,
      );
    statistics.add({ x: rowOf('x'), tokens, pass, passMean, ...documentOf(batch, row) }, [
      { reconstruction: rowOf('reconstruction'), latents: latentsOfRow(seen, row, tokens) },
    ]);
  }
}

/** [tokens, sum of the widths] of [tokens, width] each; of one that itself. */
function sideBySide(parts: readonly { of: Float32Array; d: number }[], tokens: number): Float32Array {
  if (parts.length === 1) return parts[0]!.of;
  const width = parts.reduce((sum, { d }) => sum + d, 0);
  const whole = new Float32Array(tokens * width);
  let at = 0;
  for (const { of, d } of parts) {
    for (let t = 0; t < tokens; t++) whole.set(of.subarray(t * d, (t + 1) * d), t * width + at);
    at += d;
  }
  return whole;
}

/** The latents of a row, those of later places numbered on from those of earlier ones. */
function latentsOfRow(all: readonly Seen[], row: number, tokens: number): Latents {
  const seen = all.flatMap(({ latents, d_sae }) => (latents === undefined ? [] : [{ latents, d_sae }]));
  const k = seen.reduce((sum, { latents }) => sum + latents.k, 0);
  const found = { k, indices: new Int32Array(tokens * k), values: new Float32Array(tokens * k) };
  let slot = 0;
  let latent = 0;
  for (const { latents: of, d_sae } of seen) {
    for (let t = 0; t < tokens; t++) {
      const from = (row * tokens + t) * of.k;
      found.values.set(of.values.subarray(from, from + of.k), t * k + slot);
      for (let i = 0; i < of.k; i++) found.indices[t * k + slot + i] = latent + of.indices[from + i]!;
    }
    slot += of.k;
    latent += d_sae;
  }
  return found;
}
