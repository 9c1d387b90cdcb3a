/** InterpScore v0.0.1: the reference release's composite of five components, with an interval of its own. */
import { combine, imageOf, type Statistic, toMeasure, unmeasured } from '../../metrics/statistic.ts';
import { type ComponentName, componentNames, interpScoreComponents } from '../../report/definitions.ts';
import { interpScorePart } from '../../report/interpscore-part.ts';
import type { Measure, Part } from '../../report/schema.ts';
import { type SuiteResult, suiteResult } from '../result.ts';

/** Of the composite and of every component. */
const UNIT = [0, 1] as const;

/** L0 at which `l0_score@interpscore-0.0.1` is 1. */
const PREFERRED_L0 = 80;

/** `l0_score@interpscore-0.0.1`: exp(−|ln(L0/80)|) = min(L0/80, 80/L0); 0 when L0 ≤ 0. */
export function l0Score(l0: number): number {
  return l0 <= 0 ? 0 : Math.min(l0 / PREFERRED_L0, PREFERRED_L0 / l0);
}

/** With an interval that is the image of that of ln(L0/80): the score folds at 80, where its resamples pile up. */
export function scoreOfL0(l0: Statistic): Statistic {
  if (l0.value === null || l0.value <= 0) return combine([l0], l0Score, 'L0 is not finite');
  const distance = combine([l0], (value) => Math.log(value / PREFERRED_L0), 'L0 is 0');
  return imageOf(distance, { to: 'folded-exponential' });
}

/** The weights of the components, which sum to 1. */
export const interpScoreWeights = Object.fromEntries(
  componentNames.map((name) => [name, interpScoreComponents[name].weight]),
) as Record<ComponentName, number>;

/** The composite of given component values. */
export function interpScoreOf(components: Readonly<Record<ComponentName, number>>): number {
  return componentNames.reduce((total, name) => total + interpScoreWeights[name] * components[name], 0);
}

/** The composite in every resample, from the components' values there; unmeasured where one of them is. */
export function compositeOf(components: Readonly<Record<ComponentName, Statistic>>): Statistic {
  const missing = componentNames.flatMap((name) => {
    const statistic = components[name];
    return statistic.value === null ? [`${name} (${statistic.reason})`] : [];
  });
  if (missing.length > 0) return unmeasured(`not all components were measured: ${missing.join(', ')}`);
  return combine(
    componentNames.map((name) => components[name]),
    (...values) =>
      interpScoreOf(
        Object.fromEntries(componentNames.map((name, i) => [name, values[i]!])) as Record<
          ComponentName,
          number
        >,
      ),
    'the composite is not finite',
  );
}

export interface InterpScoreInputs {
  loss_recovered: Statistic;
  /** Over the evaluation tokens; `window_tokens` says how many. */
  alive: Statistic;
  l0: Statistic;
  sparse_probing: Statistic;
  tpp: Statistic;
  window_tokens: number;
  /** Remarks to carry beside a component, such as what was clipped. */
  notes?: Partial<Record<ComponentName, string>>;
}

export interface InterpScoreResult extends SuiteResult<'l0_score@interpscore-0.0.1' | 'interpscore@0.0.1'> {
  /** Of the record's part the composite. */
  part: Part;
}

/**
 * The composite is computed in every resample from the components' values there. Token metrics share their resamples of
 * rows; the probing tasks were resampled on their own, because their texts are others. A component that could not be
 * measured leaves the composite unmeasured.
 */
export function interpScoreSuite(inputs: InterpScoreInputs): InterpScoreResult {
  const components: Record<ComponentName, Statistic> = {
    loss_recovered: inputs.loss_recovered,
    alive: inputs.alive,
    l0_score: scoreOfL0(inputs.l0),
    sparse_probing: inputs.sparse_probing,
    tpp: inputs.tpp,
  };
  const score = compositeOf(components);
  const measures = Object.fromEntries(
    componentNames.map((name) => {
      const note = inputs.notes?.[name];
      const extra = {
        ...(name === 'alive' && { window_tokens: inputs.window_tokens }),
        ...(note !== undefined && { note }),
      };
      return [name, toMeasure(components[name], extra, UNIT)];
    }),
  ) as Record<ComponentName, Measure>;
  return {
    ...suiteResult({ 'l0_score@interpscore-0.0.1': components.l0_score, 'interpscore@0.0.1': score }),
    part: interpScorePart({
      components: measures,
      weights: interpScoreWeights,
      score: toMeasure(score, {}, UNIT),
    }),
  };
}
