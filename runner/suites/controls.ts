/**
 * Where a score stands between a floor and a ceiling: controls measured on the same rows by the same procedure, and
 * skill = (value − floor) / (ceiling − floor), computed in each resample.
 */

import { random, shuffle } from '../math/random.ts';
import { type Resamples, resampleRows } from '../metrics/bootstrap.ts';
import { centredTotal } from '../metrics/centred-total.ts';
import type { HookTables } from '../metrics/hook-statistics.ts';
import type { LossTable } from '../metrics/loss-recovered.ts';
import { lossRecoveredInterpScore, meanOfRowMeans } from '../metrics/loss-recovered.ts';
import type { ReconstructionTable } from '../metrics/reconstruction.ts';
import {
  combine,
  constant,
  type Estimate,
  type Statistic,
  toMeasure,
  unmeasured,
} from '../metrics/statistic.ts';
import { varExpPooled } from '../metrics/variance-explained.ts';
import { definitions } from '../report/definitions.ts';
import type { ControlName, Controls } from '../report/schema.ts';
import { DENSE_PROBING, denseProbingSuite } from './dense-probing.ts';
import type { ProbeOptions, ProbeTask } from './probe-task.ts';

const VAR_EXP = 'var_exp@pooled-v1';
const LOSS_RECOVERED = 'loss_recovered@interpscore-0.0.1';
export type ControlledId = typeof VAR_EXP | typeof LOSS_RECOVERED | typeof DENSE_PROBING;

/** One reconstruction on the controlled rows. */
export interface Controlled {
  reconstruction: ReconstructionTable;
  /** Sum of cross entropy, a row. */
  losses: Float64Array;
}

export interface ControlInputs {
  /** Document of each controlled row; without it every row is a block of its own. */
  documents: readonly number[] | undefined;
  activations: HookTables['activations'];
  /** Of the controlled rows; `sae` is not looked at. */
  losses: LossTable;
  sae: Controlled;
  controls: readonly (Controlled & { name: ControlName; note: string })[];
  /** Controls that could not be made, with the reason. */
  leftOut: readonly { control: ControlName; reason: string }[];
  probing: {
    /** What the SAE's own probes scored. */
    sae: Statistic;
    shuffled: Statistic;
    residual: Statistic;
  };
  fitTokens: number;
  draws: { resamples: number; seed: number };
}

const FLOORS: Readonly<Record<ControlledId, ControlName>> = {
  'var_exp@pooled-v1': 'untrained',
  'loss_recovered@interpscore-0.0.1': 'untrained',
  'probe_auc_dense@interpscore-0.0.1': 'chance',
};
const CEILINGS: Readonly<Record<ControlledId, ControlName>> = {
  'var_exp@pooled-v1': 'identity',
  'loss_recovered@interpscore-0.0.1': 'identity',
  'probe_auc_dense@interpscore-0.0.1': 'residual_probe',
};

/** The record's `controls`. */
export function controlsSuite(inputs: ControlInputs): Controls {
  const { activations, losses, controls, probing, draws } = inputs;
  const drawing = { count: draws.resamples, seed: `controls ${draws.seed}` };
  const resamples = resampleRows(activations.rows, drawing, inputs.documents);
  const total = centredTotal(activations, resamples);
  const of = (each: Controlled): Record<typeof VAR_EXP | typeof LOSS_RECOVERED, Statistic> => ({
    [VAR_EXP]: varExpPooled(total, each.reconstruction, resamples),
    [LOSS_RECOVERED]: recovered({ ...losses, sae: each.losses }, resamples),
  });
  const values: Controls['values'] = [];
  const found = new Map<string, Statistic>();
  const add = (control: ControlName, id: ControlledId, statistic: Statistic, note?: string): void => {
    found.set(`${control} ${id}`, statistic);
    const measure = toMeasure(statistic, note === undefined ? {} : { note }, definitions[id].range);
    values.push({ control, id, measure });
  };
  for (const each of controls) {
    const measured = of(each);
    add(each.name, VAR_EXP, measured[VAR_EXP], each.note);
    add(each.name, LOSS_RECOVERED, measured[LOSS_RECOVERED], each.note);
  }
  for (const { control, reason } of inputs.leftOut) {
    for (const id of [VAR_EXP, LOSS_RECOVERED] as const) add(control, id, unmeasured(reason));
  }
  add('shuffled_labels', DENSE_PROBING, probing.shuffled);
  add('residual_probe', DENSE_PROBING, probing.residual);
  const chance: Estimate = constant(0.5, resamples);
  found.set(`chance ${DENSE_PROBING}`, chance);

  const own = { ...of(inputs.sae), [DENSE_PROBING]: probing.sae };
  const skills = (Object.keys(FLOORS) as ControlledId[]).flatMap((id) => {
    const value = own[id];
    const floor = found.get(`${FLOORS[id]} ${id}`);
    const ceiling = found.get(`${CEILINGS[id]} ${id}`);
    if (floor === undefined || ceiling === undefined) return [];
    const skill = skillOf(value, floor, ceiling);
    return [
      {
        id,
        value: toMeasure(value, {}, definitions[id].range),
        floor: { control: FLOORS[id], value: floor.value },
        ceiling: { control: CEILINGS[id], value: ceiling.value },
        skill: toMeasure(skill),
      },
    ];
  });
  const tokens = activations.tokens.reduce((sum, count) => sum + count, 0);
  return {
    tokens,
    rows: activations.rows,
    ...(inputs.documents && { blocks: resamples.blocks }),
    fit_tokens: inputs.fitTokens,
    values,
    skills,
  };
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

/** The dense probe with the labels of every task in another order: it must score chance. */
export function shuffledLabels(tasks: readonly ProbeTask[], options: ProbeOptions, seed: number): Statistic {
  const shuffled = tasks.map((task) => ({
    ...task,
    labels: shuffle(Array.from(task.labels), random('shuffled labels', seed, task.task)),
  }));
  return denseProbingSuite(shuffled, { ...options, resampleSeed: `shuffled ${seed}` }).statistics[
    DENSE_PROBING
  ];
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
