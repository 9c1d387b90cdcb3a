/**
 * A thousand shards on 64 workers that fail: the real split and the real union, with work that only takes (simulated)
 * time. Seeded; nothing here depends on the machine.
 */
import { describe, expect, it } from 'vitest';
import type { RunWork } from '../../../../runner/job/run/work.ts';
import { type Share, type SharedSae, sharesOfWork } from '../../../../runner/job/shards/shares.ts';
import { type FoundShard, unionOf } from '../../../../runner/job/shards/union.ts';
import { random } from '../../../../runner/math/random.ts';

const identity = { trained: 't', evaluated: 'e', model: 'm' };
const WORKERS = 64;
const SHARDS = 1_000;

/** Hours; rates per hour of a worker. */
const RATES = {
  /** Between two checkpoints of a shard. */
  checkpoint: 0.25,
  /** A start: the model is read, programs are built. */
  start: 0.05,
  /** A process that is killed, or ends with an error, once in twenty hours. */
  killed: 1 / 20,
  /** A node that is lost once in a hundred hours, and away for one. Its work is known to be lost after a tenth. */
  lost: 1 / 100,
  away: 1,
  noticed: 0.1,
  /** Of ends that the engine does not hear of, so that it starts a shard again that is done. */
  unheard: 0.02,
  /** Time limit of a task: the state is saved, and it is queued again. */
  limit: 1.15,
};

/** 4,000 SAEs at 40 hooks, of widths that differ 16-fold. */
function manySaes(): SharedSae[] {
  const draw = random('simulated SAEs', 1);
  return Array.from({ length: 4_000 }, (_, i) => {
    const layer = Math.floor(i / 100);
    return {
      id: `L${layer}_${i % 100}`,
      layer,
      site: 'resid_post',
      d_sae: 2 ** (12 + draw.integer(5)),
      trained: true,
    };
  });
}

const work: RunWork = {
  ablations: () => 0,
  training: {
    tokens: 1,
    pass: (hooks) => 2_000 * (1 + hooks.at(-1)!),
    sae: ({ d_sae }) => 12 * d_sae,
    branch: () => 0,
  },
  evaluation: {
    tokens: 1,
    pass: () => 40_000,
    sae: ({ d_sae }) => 2 * d_sae,
    branch: ({ layer }) => 100 * (40 - layer),
  },
  readings: [],
};

interface Task {
  shard: number;
  /** Hours of work, and how many are saved. */
  hours: number;
  saved: number;
}

interface Simulated {
  /** Hours until all shards are done, and those of one worker for each with nothing lost. */
  hours: number;
  ideal: number;
  counts: { killed: number; lost: number; limited: number; unheard: number; again: number };
  /** What run folders hold in the end, and how often an SAE was measured. */
  states: FoundShard[];
  measured: Map<string, number>;
}

/** @param rates of failures; the engine's queue is first come, first served, and what failed comes last */
function simulate(shares: readonly Share[], seed: number, rates: typeof RATES): Simulated {
  const draw = random('simulated cluster', seed);
  const exponential = (rate: number): number => -Math.log(1 - draw.next()) / rate;
  const perHour = shares.reduce((sum, { operations }) => sum + operations, 0) / SHARDS;
  const queue: Task[] = shares.map(({ operations }, shard) => ({
    shard,
    hours: operations / perHour,
    saved: 0,
  }));
  /** Free from that time on. */
  const workers = Array.from({ length: WORKERS }, () => 0);
  const ready: { task: Task; at: number }[] = queue.map((task) => ({ task, at: 0 }));
  const states: FoundShard[] = shares.map(() => undefined);
  const measured = new Map<string, number>();
  const counts = { killed: 0, lost: 0, limited: 0, unheard: 0, again: 0 };
  let end = 0;
  while (ready.length > 0) {
    ready.sort((a, b) => a.at - b.at);
    const { task, at } = ready.shift()!;
    const worker = workers.indexOf(Math.min(...workers));
    const begun = Math.max(at, workers[worker]!);
    const { saes } = shares[task.shard]!;
    if (states[task.shard]?.stage === 'done') {
      // The program sees that it is done, and does nothing.
      counts.again++;
      workers[worker] = begun + rates.start;
      continue;
    }
    states[task.shard] = {
      identity,
      stage: 'training',
      shard: { index: task.shard + 1, of: SHARDS, saes: saes.map(({ id }) => id) },
    };
    const needed = rates.start + task.hours - task.saved;
    const [killed, lost] = [exponential(rates.killed), exponential(rates.lost)];
    const stopped = Math.min(killed, lost, rates.limit);
    if (needed <= stopped) {
      for (const { id } of saes) measured.set(id, (measured.get(id) ?? 0) + 1);
      states[task.shard] = { ...states[task.shard]!, stage: 'done' };
      workers[worker] = begun + needed;
      end = Math.max(end, begun + needed);
      if (draw.next() < rates.unheard) {
        counts.unheard++;
        ready.push({ task, at: begun + needed + rates.noticed });
      }
      continue;
    }
    const worked = Math.max(0, stopped - rates.start);
    // At its limit it saves where it is; else the last checkpoint is what is left.
    const kept = stopped === rates.limit ? worked : Math.floor(worked / rates.checkpoint) * rates.checkpoint;
    const after = { ...task, saved: task.saved + kept };
    const gone = stopped === lost;
    counts[gone ? 'lost' : stopped === rates.limit ? 'limited' : 'killed']++;
    workers[worker] = begun + stopped + (gone ? rates.away : 0);
    ready.push({ task: after, at: begun + stopped + (gone ? rates.noticed : 0) });
  }
  return { hours: end, ideal: SHARDS / WORKERS, counts, states, measured };
}

describe('1,000 shards on 64 workers', () => {
  const saes = manySaes();
  const shares = sharesOfWork(work, saes, SHARDS);

  it('are about equally dear', () => {
    const dear = shares.map(({ operations }) => operations);
    const mean = dear.reduce((a, b) => a + b) / SHARDS;
    expect(shares).toHaveLength(SHARDS);
    expect(shares.flatMap((share) => share.saes.map(({ id }) => id))).toEqual(saes.map(({ id }) => id));
    expect(Math.max(...dear) / mean).toBeLessThan(1.6);
  });

  it('lose nothing and measure nothing twice, whatever fails, in little more than the ideal time', () => {
    for (const seed of [1, 2, 3]) {
      const { hours, ideal, counts, states, measured } = simulate(shares, seed, RATES);
      for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
      expect(counts.again).toBe(counts.unheard);
      const union = unionOf(
        { identity, shards: shares.map((share) => ({ saes: share.saes.map(({ id }) => id) })) },
        states,
      );
      expect([union.missing, union.foreign]).toEqual([[], []]);
      expect(union.done.flatMap((shard) => shard.saes)).toEqual(saes.map(({ id }) => id));
      expect(new Set(measured.values())).toEqual(new Set([1]));
      expect(measured.size).toBe(saes.length);
      expect(hours / ideal).toBeGreaterThan(1);
      expect(hours / ideal, JSON.stringify({ hours, ideal, counts })).toBeLessThan(1.35);
    }
  });

  it('that stop one by one are named by the union', () => {
    const { states } = simulate(shares, 4, RATES);
    const broken = states.map((state, i) =>
      i % 250 === 7 ? { ...state!, stage: 'training' as const } : i === 500 ? undefined : state,
    );
    const union = unionOf(
      { identity, shards: shares.map((share) => ({ saes: share.saes.map(({ id }) => id) })) },
      broken,
    );
    expect(union.missing.map(({ index }) => index)).toEqual([8, 258, 501, 508, 758]);
    expect(union.done).toHaveLength(SHARDS - 5);
  });
});
