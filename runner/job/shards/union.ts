/** What of a run's shards may be joined: every SAE of the plan once, all measured as one run would have. */
import type { RunIdentity } from '../run/identity.ts';
import type { RunState } from '../run/run-folder.ts';
import { type Shard, shardName } from '../shared/shard.ts';

/** What the shards were to do. */
export interface Agreed {
  identity: RunIdentity;
  shards: readonly { saes: readonly string[] }[];
}

/** What was found of a shard: the state of its run folder, undefined where there is none. */
export type FoundShard = Pick<RunState, 'identity' | 'stage' | 'shard'> | undefined;

export interface Union {
  /** Shards that are whole, and what they hold. */
  done: (Shard & { saes: readonly string[] })[];
  /** Those that are not done, with why. */
  missing: (Shard & { reason: string })[];
  /** Those that must not be joined with the others, with why. */
  foreign: (Shard & { reason: string })[];
}

/** @param found in the order of the plan's shards */
export function unionOf({ identity, shards }: Agreed, found: readonly FoundShard[]): Union {
  const union: Union = { done: [], missing: [], foreign: [] };
  const of = shards.length;
  for (const [i, { saes }] of shards.entries()) {
    const shard = { index: i + 1, of };
    const state = found[i];
    if (state === undefined) {
      union.missing.push({ ...shard, reason: 'has not begun' });
      continue;
    }
    const reason = foreignness(identity, shard, saes, state);
    if (reason !== null) union.foreign.push({ ...shard, reason });
    else if (state.stage === 'done') union.done.push({ ...shard, saes });
    else union.missing.push({ ...shard, reason: `is still ${state.stage}` });
  }
  return union;
}

function foreignness(
  plan: RunIdentity,
  { index, of }: Shard,
  saes: readonly string[],
  { identity, shard }: NonNullable<FoundShard>,
): string | null {
  if (identity.model !== plan.model) return 'is of other files of the language model';
  if (identity.trained !== plan.trained) return 'trained with other settings';
  if (identity.evaluated !== plan.evaluated) return 'was measured with other settings or SAEs';
  if (shard?.index !== index || shard.of !== of) return 'is another shard';
  if (shard.saes.join() !== saes.join()) return `has other SAEs (${shard.saes.join(', ').slice(0, 200)})`;
  return null;
}

/** Shards as a message names them, each with its reason; of many the first. */
export function listed(shards: readonly (Shard & { reason: string })[]): string {
  const shown = shards.slice(0, 8).map((each) => `${shardName(each)} ${each.reason}`);
  const more = shards.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
