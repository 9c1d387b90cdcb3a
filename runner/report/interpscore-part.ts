import type { Measure } from './measure.ts';
import type { Part } from './part.ts';
import { type ComponentName, componentNames, interpScoreComponents } from './suites/interpscore.ts';

export interface InterpScore {
  score: Measure;
  components: Record<ComponentName, Measure>;
  weights: Record<ComponentName, number>;
}

/** The part of a record that holds the composite. */
export function interpScorePart({ score, components, weights }: InterpScore): Part {
  const byDefinition = <T>(of: Readonly<Record<ComponentName, T>>): Record<string, T> =>
    Object.fromEntries(componentNames.map((name) => [interpScoreComponents[name].definition, of[name]]));
  return {
    measures: { ...byDefinition(components), 'interpscore@0.0.1': score },
    weights: byDefinition(weights),
  };
}
