/** Every value that records may be listed by: a definition, or a point of the SAE's own line of a curve. */
import type { Definition } from '../../runner/report/definition.ts';
import { definitionIds } from '../../runner/report/definitions.ts';
import { measureOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';
import { UNTRAINED_LINE } from '../../runner/report/suite.ts';
import { definitionOf, suitesOf } from '../../runner/report/suites/find.ts';
import { untrainedValue } from './controls.ts';

export interface Source {
  /** The definition's; of a curve with the place on it: `probe_acc_k@saebench,k=5`. */
  id: string;
  definition: string;
  meaning: Definition;
  /** Of a curve: the number it runs over, and its value here. */
  place: { x: string; at: number } | null;
  name: string;
  title: string;
  read: (record: EvaluationRecord) => Measure | undefined;
  /** What an untrained SAE of its shape and L0 scores; null where the record does not say. */
  untrained: (record: EvaluationRecord) => number | null;
}

/** Those that at least one record has a value of. */
export function sourcesOf(records: readonly EvaluationRecord[]): Source[] {
  const declared = records.flatMap((entry) => entry.declared ?? []);
  const ids = new Set<string>([
    ...definitionIds,
    ...declared.flatMap((suite) => Object.keys(suite.definitions)),
  ]);
  const whole = [...ids].flatMap((id): Source[] => {
    const meaning = definitionOf({ declared }, id);
    if (meaning === undefined) return [];
    const { short: name, title } = meaning;
    return [
      {
        id,
        definition: id,
        meaning,
        place: null,
        name,
        title,
        read: (entry) => measureOf(entry, id),
        untrained: ({ controls }) => untrainedValue(controls, id),
      },
    ];
  });
  const all = new Map([...whole, ...curveSources(records, declared)].map((source) => [source.id, source]));
  return [...all.values()].filter(({ read }) => records.some((entry) => read(entry)?.value != null));
}

/** The SAE's own line of each curve, a column for each point that any record has. */
function curveSources(
  records: readonly EvaluationRecord[],
  declared: NonNullable<EvaluationRecord['declared']>,
): Source[] {
  return suitesOf(records).flatMap((suite) =>
    suite.views.flatMap((view): Source[] => {
      const line = view.kind === 'curve' ? view.lines[0] : undefined;
      if (view.kind !== 'curve' || line === undefined) return [];
      const meaning = definitionOf({ declared }, line.definition);
      if (meaning === undefined) return [];
      const pointsOf = (entry: EvaluationRecord) => entry.suites[suite.id]?.curves?.[view.key]?.points ?? [];
      const places = new Set(records.flatMap((entry) => pointsOf(entry).map(({ at }) => at)));
      return [...places]
        .toSorted((a, b) => a - b)
        .map((at) => ({
          // The name of a file: what another's suite calls its number may hold anything.
          id: `${line.definition},${view.x.replace(/\W/g, '_')}=${at}`,
          definition: line.definition,
          meaning,
          place: { x: view.x, at },
          name: `${meaning.short}, ${view.x} = ${at}`,
          title: `${meaning.title}, ${view.x} = ${at}`,
          read: (entry) => pointsOf(entry).find((point) => point.at === at)?.values[line.key],
          untrained: (entry) =>
            pointsOf(entry).find((point) => point.at === at)?.values[UNTRAINED_LINE]?.value ?? null,
        }));
    }),
  );
}
