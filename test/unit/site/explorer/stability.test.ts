import { describe, expect, it } from 'vitest';
import { quantiles } from '../../../../runner/math/quantile.ts';
import { random } from '../../../../runner/math/random.ts';
import { standings } from '../../../../runner/report/board.ts';
import { measureOf } from '../../../../runner/report/measures.ts';
import { drawsOf as drawsOfRecord } from '../../../../runner/report/paired.ts';
import { packDraws } from '../../../../runner/report/paired-draws.ts';
import { presets } from '../../../../site/explorer/composite.ts';
import {
  drawnComposites,
  firstByWeights,
  firstShares,
  randomWeights,
  resampled,
} from '../../../../site/explorer/stability.ts';
import type { ModelDraws } from '../../../../site/lib/columns.ts';
import { columnsOf, drawsByModel } from '../../../../site/lib/columns-of.ts';
import { fixture } from '../fixtures.ts';
import { withDraws } from '../with-draws.ts';
import { columnsFrom } from './sample.ts';

describe('how often each is first', () => {
  it('counts draws, and shares the tied ones', () => {
    expect(
      firstShares([
        [1, 5, 2, 7],
        [2, 4, 2, 1],
        [0, 5, 2, 7],
      ]),
    ).toEqual([(0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, (1 + 0 + 1 / 3 + 0) / 4, (0 + 1 / 2 + 1 / 3 + 1 / 2) / 4]);
    expect(firstShares([])).toEqual([]);
  });

  it('draws weights evenly over all that sum to 1', () => {
    const weights = randomWeights(5, 4_000);
    for (const each of weights) expect(each.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    for (let part = 0; part < 5; part++) {
      const values = weights.map((each) => each[part]!);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      // Of a flat Dirichlet distribution over five: 1/5, and 4 / (25 · 6).
      expect(mean).toBeCloseTo(0.2, 1.7);
      expect(variance).toBeCloseTo(4 / 150, 2.3);
    }
    expect(randomWeights(5, 3)).toEqual(weights.slice(0, 3));
  });

  it('is certain where one leads in every component, and even between two of opposite strengths', () => {
    const rank = [0, 1, 3] as const;
    const columns = columnsFrom([
      { name: 'Best', parts: [0.9, 0.9, 0.9, 0.9, 0.9], rank },
      { name: 'Worse', parts: [0.8, 0.9, 0.9, 0.9, 0.9], rank },
      { name: 'Incomplete', parts: [1, 1, 1, 1, null], rank },
      { name: 'Left', parts: [1, 0.5, 0.5, 0.5, 0], rank: [1, 1, 2] },
      { name: 'Right', parts: [0, 0.5, 0.5, 0.5, 1], rank: [1, 1, 2] },
      { name: 'Unranked', parts: [1, 1, 1, 1, 1] },
    ]);
    const [best, worse, incomplete, left, right, unranked] = firstByWeights(columns);
    expect([best, worse, incomplete, unranked]).toEqual([1, 0, null, null]);
    expect(left! + right!).toBeCloseTo(1, 12);
    expect(Math.abs(left! - 0.5)).toBeLessThan(0.05);
  });
});

/** Resamples around a row's values; those of one seed move together. */
function drawsOf(values: readonly number[], own: number, shared: number): ModelDraws['draws'][number] {
  const [common, alone] = [random('common'), random('alone', own)];
  return values.map((value) =>
    packDraws(
      Float64Array.from({ length: 400 }, () => value + shared * common.gaussian() + 0.001 * alone.gaussian()),
    ),
  );
}

describe('the composite over the stored resamples', () => {
  const parts = [
    [0.7, 0.7, 0.7, 0.7, 0.7],
    [0.7005, 0.7, 0.7, 0.7, 0.7],
    [0.6, 0.7, 0.7, 0.7, 0.9],
    [0.65, 0.7, 0.7, 0.7, 0.7],
  ];
  const columns = columnsFrom(
    parts.map((each, i) => ({ name: `Row ${i}`, parts: each, score: 0.7, rank: [0, 1, 4] as const })),
  );
  const file: ModelDraws = {
    rows: [0, 1, 2, 3],
    over: [0, 0, 0, 1].map((rows) => [rows, rows, rows, rows, rows]),
    components: [],
    draws: parts.map((each, i) => drawsOf(each, i, 0.02)),
  };
  const weights = presets[2].weights;
  const values = parts.map((each) => each[0]!);

  it('weighs the resamples of the components', () => {
    const [first] = drawnComposites([file], [50, 50, 0, 0, 0]);
    const each = [0, 1].map(
      (part) => drawnComposites([file], part === 0 ? [1, 0, 0, 0, 0] : [0, 1, 0, 0, 0])[0]!,
    );
    first!.samples.forEach((sample, b) => {
      expect(sample).toBeCloseTo((each[0]!.samples[b]! + each[1]!.samples[b]!) / 2, 12);
    });
  });

  it('leaves open the ranks of what the resamples do not tell apart, though all of them spread far', () => {
    const found = resampled(columns, values, drawnComposites([file], weights));
    expect(found.standings.map((standing) => [standing!.best, standing!.worst])).toEqual([
      [1, 3],
      [1, 3],
      [3, 4],
      [1, 4],
    ]);
    // Over other rows there is nothing to compare resamples with: it is first among its own, and intervals this wide decide
    // nothing.
    expect(found.first[3]).toBe(1);
    expect(found.first[0]! + found.first[1]! + found.first[2]!).toBeCloseTo(1, 12);
    expect(found.first[2]).toBe(0);
    expect(found.low[0]!).toBeLessThan(0.7);
    expect(found.high[0]!).toBeGreaterThan(0.7);
  });

  it('follows the weights', () => {
    const byTpp = [0, 0, 0, 0, 100];
    const found = resampled(
      columns,
      parts.map((each) => each[4]!),
      drawnComposites([file], byTpp),
    );
    expect(found.first[2]).toBe(1);
    expect(found.standings[2]).toEqual({ best: 1, worst: 1, resolved: true });
    // What lies farther apart than both intervals reach is told apart over different rows too.
    expect(found.standings[3]).toEqual({ best: 2, worst: 4, resolved: true });
  });

  it('leaves out rows without resamples of a part that counts', () => {
    const torn = { ...file, draws: file.draws.map((each, i) => (i === 1 ? [null, ...each.slice(1)] : each)) };
    expect(drawnComposites([torn], weights).map(({ row }) => row)).toEqual([0, 2, 3]);
    expect(drawnComposites([torn], [0, 1, 0, 0, 0]).map(({ row }) => row)).toEqual([0, 1, 2, 3]);
    const found = resampled(columns, values, drawnComposites([torn], weights));
    expect(found.standings[1]).toEqual({ best: 1, worst: 1, resolved: false });
    expect(found.first[1]).toBeNull();
    // Nothing tells it from the others, whose ranks leave its own open.
    expect(found.standings[0]).toMatchObject({ best: 1, resolved: true });
    expect(found.standings[2]!.worst).toBe(4);
  });

  it('ranks as the board of the records does, whichever rows each was evaluated over', () => {
    const id = 'alive@v1';
    const scored = (name: string, value: number, own: number, tokens: string, probes: string) => {
      const entry = withDraws(fixture(name), value, own, tokens);
      entry.paired!.probes = probes.repeat(64);
      entry.paired!.draws = { [id]: { ...entry.paired!.draws['interpscore@0.0.1']!, over: 'tokens' } };
      entry.suites.interpscore!.measures![id] = { value, interval: null, window_tokens: 1_000 };
      delete entry.metrics[id];
      const [low, high] = quantiles(drawsOfRecord(entry, id)!.samples, [0.025, 0.975]);
      entry.suites.interpscore!.measures![id] = {
        value,
        window_tokens: 1_000,
        interval: { low: low!, high: high! },
      };
      return entry;
    };
    const records = [
      scored('small-world-l0', 0.7, 1, 'a', 'b'),
      // Over the same tokens, which alone count: other probes part nothing.
      scored('small-world-l2', 0.69, 2, 'a', 'c'),
      scored('small-world-l4', 0.68, 3, 'd', 'b'),
      { ...scored('small-world-l0', 0.6, 4, 'd', 'b'), id: 'far' },
    ];
    const made = columnsOf(records);
    const drawn = drawnComposites([...drawsByModel(records).values()], [0, 1, 0, 0, 0]);
    const found = resampled(
      made,
      records.map((entry) => measureOf(entry, id)!.value),
      drawn,
    ).standings.map((one) => [one!.best, one!.worst]);
    expect(found).toEqual(standings(records, id).map((one) => [one!.from, one!.to]));
    expect(found).toEqual([
      [1, 2],
      [2, 3],
      [1, 3],
      [4, 4],
    ]);
  });
});
