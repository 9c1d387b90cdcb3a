import { describe, expect, test } from 'vitest';
import { pairedPart, pairingKeys } from '../../../runner/evaluation/pairing.ts';
import { random } from '../../../runner/math/random.ts';
import { difference } from '../../../runner/metrics/mover.ts';
import { type Estimate, interval, toMeasure } from '../../../runner/metrics/statistic.ts';
import { pairedDifference } from '../../../runner/report/paired.ts';
import { type EvaluationRecord, record } from '../../../runner/report/schema.ts';
import { scoredStatistic } from '../report/scored.ts';
import { fixture } from '../site/fixtures.ts';

const ID = 'mine@v1';
const draws = { resamples: 1_000, seed: 7 };
const definitions = { [ID]: {} };

const keysOf = (pairing: readonly unknown[], version = 'v') =>
  pairingKeys([], [{ id: 'mine', version, definitions, pairing }], draws);

/** A record with a suite from a file, whose one value has its resamples. */
function recordOf(score: Estimate, keys: ReturnType<typeof keysOf>): EvaluationRecord {
  const copy = structuredClone(fixture('small-world-l0'));
  const definition = {
    metric: 'mine',
    group: 'Mine',
    title: 'Mine',
    short: 'mine',
    formula: 'x',
    note: '',
    unit: '',
    direction: 'higher' as const,
    digits: 3,
    range: [null, null] as [null, null],
  };
  copy.declared = [
    {
      id: 'mine',
      title: 'Mine',
      about: '',
      definitions: { [ID]: definition },
      views: [{ kind: 'measures', title: 'Mine', ids: [ID] }],
      file: 'mine.ts',
      sha256: 'c'.repeat(64),
    },
  ];
  copy.suites = { mine: { measures: { [ID]: toMeasure(score) } } };
  copy.paired = pairedPart({}, keys, { mine: { [ID]: score } })!;
  return record.parse(copy);
}

describe('values of a suite of one’s own', () => {
  const [a, b] = scoredStatistic(random('own suite'), { saes: 2, rows: 60, gap: 0.004 }) as [
    Estimate,
    Estimate,
  ];
  const keys = keysOf([['task', [0, 1]]]);

  test('are compared by the interval of their paired difference', () => {
    const found = pairedDifference(recordOf(a, keys), recordOf(b, keys), ID)!;
    const whole = difference(a, b);
    if (whole.value === null) throw new Error(whole.reason);
    const expected = interval(whole)!;
    expect(found.method).toBe('studentised');
    expect(found.value).toBeCloseTo(whole.value, 12);
    const width = expected.high - expected.low;
    expect(Math.abs(found.low - expected.low)).toBeLessThan(0.02 * width);
    expect(Math.abs(found.high - expected.high)).toBeLessThan(0.02 * width);
  });

  test('are not compared over other rows, by another file or where the suite does not say', () => {
    const mine = recordOf(a, keys);
    expect(pairedDifference(mine, recordOf(b, keysOf([['task', [1, 0]]])), ID)).toBeNull();
    expect(pairedDifference(mine, recordOf(b, keysOf([['task', [0, 1]]], 'another')), ID)).toBeNull();
    expect(keysOf([]).suites).toEqual({});
  });

  test('leave the rows of the built-in values alone', () => {
    expect(keysOf([['task', [1, 0]]]).probes).toBe(keys.probes);
    const built = { id: 'interpscore', version: '', definitions: { 'tpp@interpscore-0.0.1': {} } };
    const of = (pairing: readonly unknown[]) => pairingKeys([], [{ ...built, pairing }], draws);
    expect(of([1]).probes).not.toBe(of([2]).probes);
    expect(of([1]).suites).toEqual({});
  });

  test('need a definition that the record has', () => {
    const undeclared = structuredClone(recordOf(a, keys));
    undeclared.paired!.draws['other@v1'] = undeclared.paired!.draws[ID]!;
    const { success, error } = record.safeParse(undeclared);
    expect(success).toBe(false);
    expect(error!.issues[0]!.path).toEqual(['paired', 'draws', 'other@v1']);
  });
});
