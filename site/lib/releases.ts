/** Runs and published releases: which SAEs belong together, and what their page is called. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { finishedOf, isLightCheckpoint } from './along-training.ts';
import { compareValues } from './order.ts';
import { releaseOf, runName } from './release.ts';

export interface Release {
  /** Names its page. */
  id: string;
  title: string;
  /** Finished SAEs, by layer. */
  records: EvaluationRecord[];
  /** What was measured of them while they were trained. */
  lights: EvaluationRecord[];
}

/** Releases of the records that say what they belong to, in the order of the records; rows of tables have pages of their own. */
export function releasesOf(records: readonly EvaluationRecord[]): Release[] {
  const alone = records.filter(({ provenance }) => provenance.table === undefined);
  const finished = alone.filter((entry) => !isLightCheckpoint(entry));
  const lights = alone.filter(isLightCheckpoint);
  const groups = Map.groupBy(finished, releaseOf);
  return [...groups].flatMap(([id, group]) => {
    if (id === null) return [];
    const sorted = group.toSorted(
      (a, b) =>
        compareValues(a.model.id, b.model.id, 'ascending') ||
        a.sae.layer - b.sae.layer ||
        compareValues(a.id, b.id, 'ascending'),
    );
    const own = lights.filter((entry) => finishedOf(entry, sorted) !== undefined);
    return [{ id, title: titleOf(sorted[0]!), records: sorted, lights: own }];
  });
}

function titleOf(entry: EvaluationRecord): string {
  const { sae } = entry;
  return runName(entry) ?? sae.repo ?? sae.origin?.release ?? sae.name;
}
