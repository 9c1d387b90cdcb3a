/**
 * A language model that remembers where clean text leads: the residual after each segment and the losses at the end,
 * kept under a hash of the model, the text and the segments gone through. Evaluating another SAE at the same hooks then
 * runs the segments behind it only.
 *
 * A residual is clean where it came from token ids through segments alone; where each came from is remembered. What
 * follows from a reconstruction is always computed. Cached values are exact: results do not depend on the cache.
 */
import type { ContentCache } from '../io/content-cache.ts';
import { sha256 } from '../io/hash.ts';
import type { LanguageModel, TokenBatch } from './language-model.ts';

/**
 * @param identity hash of what the model's numbers follow from: its files, the device, the runtime
 * @returns the model itself where its segments are loaded in turn: residuals then wait outside memory, and where they came
 *   from is not known
 */
export function cachedModel(model: LanguageModel, cache: ContentCache, identity: string): LanguageModel {
  if (!model.resident) return model;
  const origins = new WeakMap<Float32Array, string>();
  const batches = new WeakMap<TokenBatch, string>();

  function nameOf(batch: TokenBatch): string {
    const known = batches.get(batch);
    if (known !== undefined) return known;
    const { ids, rows, tokens, lengths } = batch;
    const name = sha256(
      `${rows} ${tokens} ${sha256(bytesOf(ids))} ${lengths ? sha256(bytesOf(lengths)) : ''}`,
    );
    batches.set(batch, name);
    return name;
  }

  function reached(segment: number, from: string): string {
    const { first, last, to } = model.segments[segment]!;
    const inside = to === null || to.site === 'resid_pre' || to.site === 'resid_post' ? '' : ` ${to.site}`;
    return sha256(`${from} blocks ${first}..${last}${inside}`);
  }

  /** What led to a residual; undefined for one that is not clean. */
  function originOf(residual: Float32Array | null, batch: TokenBatch): string | undefined {
    return residual === null ? sha256(`clean ${identity} ${nameOf(batch)}`) : origins.get(residual);
  }

  async function kept(key: string, length: number, make: () => Promise<Float32Array>): Promise<Float32Array> {
    const found = await cache.get(key);
    if (found?.byteLength === 4 * length) return new Float32Array(found.buffer);
    const made = await make();
    cache.put(key, bytesOf(made.slice()));
    return made;
  }

  return {
    ...model,
    async advance(segment, residual, batch) {
      const from = originOf(residual, batch);
      if (from === undefined) return model.advance(segment, residual, batch);
      const key = reached(segment, from);
      const { value, beside } = model.widths[segment]!;
      const length = batch.rows * batch.tokens * (value + beside);
      const after = await kept(key, length, () => model.advance(segment, residual, batch));
      origins.set(after, key);
      return after;
    },
    async finish(residual, batch) {
      const from = originOf(residual, batch);
      if (from === undefined) return model.finish(residual, batch);
      const key = reached(model.segments.length - 1, from);
      return kept(key, batch.rows * batch.tokens, () => model.finish(residual, batch));
    },
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
