/**
 * Where a score stands between a floor and a reference: controls measured on the same rows by the same procedure, and
 * skill = (value − floor) / (reference − floor), computed in each resample. Records call the reference a ceiling.
 */

import { alive } from '../metrics/alive.ts';
import { type Resamples, resampleRows } from '../metrics/bootstrap.ts';
import { centredTotal } from '../metrics/centred-total.ts';
import type { FiringTable } from '../metrics/firing.ts';
import type { HookTables } from '../metrics/hook-statistics.ts';
import { l0 } from '../metrics/l0.ts';
import type { LossTable } from '../metrics/loss-recovered.ts';
import { lossRecoveredInterpScore, meanOfRowMeans } from '../metrics/loss-recovered.ts';
import type { ReconstructionTable } from '../metrics/reconstruction.ts';
import { combine, type Statistic, toMeasure, unmeasured } from '../metrics/statistic.ts';
import { varExpPooled } from '../metrics/variance-explained.ts';
import { type DefinitionId, definitions } from '../report/definitions.ts';
import type { ControlName, Controls } from '../report/schema.ts';
import { type ComponentName, componentNames, interpScoreComponents } from '../report/suites/interpscore.ts';
import { compositeOf, scoreOfL0 } from './interpscore/composite.ts';
import type { ControlledValue } from './suite.ts';

const VAR_EXP = 'var_exp@pooled-v1';
const LOSS_RECOVERED = 'loss_recovered@interpscore-0.0.1';
/** Of an untrained SAE: what these components of InterpScore are worth before anything is learned. */
const ALIVE = 'alive@v1';
const L0_SCORE = 'l0_score@interpscore-0.0.1';
const COMPOSITE = 'interpscore@0.0.1';

/** One reconstruction on the controlled rows. */
export interface Controlled {
  reconstruction: ReconstructionTable;
  /** Sum of cross entropy, per row. */
  losses: Float64Array;
}

export interface ControlInputs {
  /** Document of each controlled row; without it every row is a block of its own. */
  documents: readonly number[] | undefined;
  activations: HookTables['activations'];
  /** Of the controlled rows; `sae` is not looked at. */
  losses: LossTable;
  sae: Controlled;
  controls: readonly (Controlled & {
    name: ControlName;
    note: string;
    /** Null where its latents are not counted. */
    firing: FiringTable | null;
  })[];
  /** Controls that could not be made, with the reason. */
  leftOut: readonly { control: ControlName; reason: string }[];
  /** Values of suites, with theirs. */
  ofSuites: readonly ControlledValue[];
  fitTokens: number;
  draws: { resamples: number; seed: number };
}

/** The record's `controls`. */
export function controlsSuite(inputs: ControlInputs): Controls {
  const { activations, losses, controls, draws } = inputs;
  const drawing = { count: draws.resamples, seed: `controls ${draws.seed}` };
  const resamples = resampleRows(activations.rows, drawing, inputs.documents);
  const total = centredTotal(activations, resamples);
  const of = (each: Controlled): Record<typeof VAR_EXP | typeof LOSS_RECOVERED, Statistic> => ({
    [VAR_EXP]: varExpPooled(total, each.reconstruction, resamples),
    [LOSS_RECOVERED]: recovered({ ...losses, sae: each.losses }, resamples),
  });
  const tokens = activations.tokens.reduce((sum, count) => sum + count, 0);
  const values: Controls['values'] = [];
  const found = new Map<string, Statistic>();
  const add = (
    control: ControlName,
    id: DefinitionId,
    statistic: Statistic,
    words: { note?: string; window_tokens?: number } = {},
  ): void => {
    found.set(`${control} ${id}`, statistic);
    const measure = toMeasure(statistic, words, definitions[id].range);
    values.push({ control, id, measure });
  };
  for (const each of controls) {
    const measured = of(each);
    const { name, note, firing } = each;
    add(name, VAR_EXP, measured[VAR_EXP], { note });
    add(name, LOSS_RECOVERED, measured[LOSS_RECOVERED], { note });
    if (firing === null) continue;
    add(name, ALIVE, alive(firing, resamples), { note, window_tokens: tokens });
    add(name, L0_SCORE, scoreOfL0(l0(firing, resamples)), { note });
  }
  for (const { control, reason } of inputs.leftOut) {
    const ids: DefinitionId[] = [VAR_EXP, LOSS_RECOVERED, ALIVE, L0_SCORE];
    ids.push(...inputs.ofSuites.map(({ id }) => id));
    for (const id of ids) add(control, id, unmeasured(reason));
  }
  const own = of(inputs.sae);
  const reconstructed = { floor: 'untrained', ceiling: 'identity' } as const;
  const controlled: Pick<ControlledValue, 'id' | 'value' | 'ends'>[] = [
    { id: VAR_EXP, value: own[VAR_EXP], ends: reconstructed },
    { id: LOSS_RECOVERED, value: own[LOSS_RECOVERED], ends: reconstructed },
  ];
  for (const each of inputs.ofSuites) {
    controlled.push(each);
    for (const { control, statistic, shown } of each.controls) {
      if (shown) add(control, each.id, statistic);
      else found.set(`${control} ${each.id}`, statistic);
    }
  }
  const components = componentsOf('untrained', found);
  if (components !== null) {
    const note = `Of its components in this row; alive latents over ${tokens.toLocaleString('en-US')} tokens.`;
    add('untrained', COMPOSITE, compositeOf(components), { note });
  }
  const skills = controlled.flatMap(({ id, value, ends }) => {
    if (ends === undefined) return [];
    const floor = found.get(`${ends.floor} ${id}`);
    const ceiling = found.get(`${ends.ceiling} ${id}`);
    if (floor === undefined || ceiling === undefined) return [];
    const skill = skillOf(value, floor, ceiling);
    return [
      {
        id,
        value: toMeasure(value, {}, definitions[id].range),
        floor: { control: ends.floor, value: floor.value },
        ceiling: { control: ends.ceiling, value: ceiling.value },
        skill: toMeasure(skill),
      },
    ];
  });
  return {
    tokens,
    rows: activations.rows,
    ...(inputs.documents && { blocks: resamples.blocks }),
    fit_tokens: inputs.fitTokens,
    values,
    skills,
  };
}

/** The components of InterpScore among what was found of a control; null unless all of them are there. */
function componentsOf(
  control: ControlName,
  found: ReadonlyMap<string, Statistic>,
): Record<ComponentName, Statistic> | null {
  const entries = componentNames.flatMap((name) => {
    const statistic = found.get(`${control} ${interpScoreComponents[name].definition}`);
    return statistic === undefined ? [] : [[name, statistic] as const];
  });
  if (entries.length < componentNames.length) return null;
  return Object.fromEntries(entries) as Record<ComponentName, Statistic>;
}

/** `skill@v1`: where a value stands between its floor and its ceiling. */
export function skillOf(value: Statistic, floor: Statistic, ceiling: Statistic): Statistic {
  return combine(
    [value, floor, ceiling],
    (v, f, c) => (v - f) / (c - f),
    'floor and ceiling are equal, so there is nothing between them',
  );
}

function recovered(table: LossTable, resamples: Resamples): Statistic {
  const [clean, sae, zero] = [table.clean, table.sae, table.zero].map((sums) =>
    meanOfRowMeans(sums, table.predictions, resamples),
  );
  return lossRecoveredInterpScore(clean!, sae!, zero!).statistic;
}

/** The last rows of the tables of a hook. */
export function rowsFrom<T extends { rows: number }>(table: T, first: number): T {
  const { rows } = table;
  const kept = Object.entries<unknown>(table).map(([key, value]): [string, unknown] => {
    if (key === 'rows') return [key, rows - first];
    if (!(value instanceof Float64Array || value instanceof Int32Array)) return [key, value];
    return [key, value.slice((first * value.length) / rows)];
  });
  return Object.fromEntries(kept) as T;
}
