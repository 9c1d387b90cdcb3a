/**
 * Losses with zero and with the mean in the place of a hook's activations follow from the model, the text and the hook alone,
 * and inside a block each of them takes a pass through the rest of the model with all of the text: they are cached.
 */
import { deserialize, serialize } from 'node:v8';
import { hookName, placeName } from '../hook.ts';
import { canonicalJson } from '../io/hash.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import { type CachedResults, type HookSaes, namesOf } from './observation.ts';

/** Sums of cross entropy, one per row. */
export interface AblationLosses {
  zero: number[];
  mean: number[];
}

export interface KnownAblations {
  /** Undefined where they are to be computed. */
  at(hook: number): AblationLosses | undefined;
  /** Keeps what was computed. */
  keep(hook: number, found: AblationLosses): void;
}

/** @param hooks every one of the model: where it is cut decides the last bits */
export async function knownAblations(
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  cached: CachedResults | undefined,
): Promise<KnownAblations> {
  if (cached === undefined) return { at: () => undefined, keep: () => undefined };
  const { cache, identity } = cached;
  const text = canonicalJson(['held-out ablations', identity, hooks.map(placeName), namesOf(batches)]);
  const keys = hooks.map((hook) => `${text} ${hookName(hook)}`);
  const found = await Promise.all(
    keys.map(async (key) => {
      const bytes = await cache.get(key);
      return bytes === undefined ? undefined : (deserialize(bytes) as AblationLosses);
    }),
  );
  return {
    at: (hook) => found[hook],
    keep: (hook, { zero, mean }) => {
      if (found[hook] === undefined) cache.put(keys[hook]!, serialize({ zero, mean }));
    },
  };
}
