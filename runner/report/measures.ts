/** Where a record holds a value: with the suite that measured it, or among the statistics of every run. Free of zod. */
import type { InterpScore } from './interpscore-part.ts';
import type { Measure } from './measure.ts';
import type { Part } from './part.ts';
import { type ComponentName, componentNames, interpScoreComponents } from './suites/interpscore.ts';

/** What of a record holds values. */
interface Holding {
  metrics: Readonly<Partial<Record<string, Measure>>>;
  suites: Readonly<Record<string, Part>>;
}

/** A suite's own copy, such as a component of a composite with its window, goes before the statistics of every run. */
export function measureOf({ metrics, suites }: Holding, id: string): Measure | undefined {
  for (const { measures } of Object.values(suites)) {
    if (measures !== undefined && Object.hasOwn(measures, id)) return measures[id];
  }
  return Object.hasOwn(metrics, id) ? metrics[id] : undefined;
}

/** The composite with its components; null where the record has none. */
export function interpScoreOf({ suites }: Pick<Holding, 'suites'>): InterpScore | null {
  const { measures = {}, weights = {} } = suites.interpscore ?? {};
  const score = measures['interpscore@0.0.1'];
  if (score === undefined) return null;
  const each = <T>(read: (definition: string, name: ComponentName) => T) =>
    Object.fromEntries(
      componentNames.map((name) => [name, read(interpScoreComponents[name].definition, name)]),
    ) as Record<ComponentName, T>;
  return {
    score,
    components: each((id) => measures[id] ?? { value: null, reason: 'The record gives none.' }),
    weights: each((id, name) => weights[id] ?? interpScoreComponents[name].weight),
  };
}
