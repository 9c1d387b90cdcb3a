/**
 * Who is ranked with whom: SAEs of one model, at one kind of hook, over one evaluation text, of a kind that may be ranked
 * and with an interval. All others are listed without a rank. Free of zod.
 */
import { standings } from './board.ts';
import { modelIdentities } from './model-identity.ts';
import { placeSite } from './place-site.ts';
import type { EvaluationRecord } from './schema.ts';

export interface Ranked {
  /** Number of the group; a rank says nothing about another one's. */
  group: number;
  /** The ranks that the evaluation leaves open, 1 the best. */
  best: number;
  worst: number;
  /** Numbers of the records it is not told apart from. */
  tied: readonly number[];
}

/** Equal where two records were evaluated in the same place on the same text; null where a record does not say. */
function rankingGroup({ sae, data }: EvaluationRecord, model: string): string | null {
  if (data === null) return null;
  return JSON.stringify([model, placeSite(sae), data.name, data.split, data.row_tokens]);
}

/**
 * The rank of each record, in their order; null for one that is not ranked.
 *
 * @param mayRank whether a record may be ranked at all
 */
export function rankWithin(
  records: readonly EvaluationRecord[],
  id: string,
  mayRank: (record: EvaluationRecord) => boolean,
): (Ranked | null)[] {
  const groups = new Map<string, number[]>();
  const models = modelIdentities(records.map(({ model }) => model));
  records.forEach((record, place) => {
    const group = rankingGroup(record, models[place]!);
    if (group === null || !mayRank(record)) return;
    groups.set(group, [...(groups.get(group) ?? []), place]);
  });
  const ranked: (Ranked | null)[] = records.map(() => null);
  [...groups.values()].forEach((places, group) => {
    const board = standings(
      places.map((place) => records[place]!),
      id,
    );
    board.forEach((standing, i) => {
      if (standing === null) return;
      const tied = standing.unresolved.map((other) => places[other]!);
      ranked[places[i]!] = { group, best: standing.from, worst: standing.to, tied };
    });
  });
  return ranked;
}
