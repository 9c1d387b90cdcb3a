import { describe, expect, test } from 'vitest';
import { probeSet } from '../../../runner/demo/index.ts';
import { MalformedError } from '../../../runner/errors.ts';
import { DEMO_PROBES, demoProbeSet } from '../../../runner/text/demo-probes.ts';
import { checkClasses, oneVersusRest } from '../../../runner/text/probe-sets.ts';

const balanced = { kind: 'balanced', trainPerClass: 40, testPerClass: 10, seed: 0 } as const;

describe.each(DEMO_PROBES)('the embedded set %s', (name) => {
  const set = demoProbeSet(name, 3, balanced);

  test('is balanced by class, and by attribute within each', () => {
    for (const [rows, each] of [
      [set.train, 40],
      [set.test, 10],
    ] as const) {
      set.classes.forEach((_, label) => {
        const own = rows.filter((row) => row.label === label);
        expect(own).toHaveLength(each);
        if (set.attribute) expect(own.filter((row) => row.attribute === 1)).toHaveLength(each / 2);
      });
    }
  });

  test('has no text twice, and comes out the same again', () => {
    const texts = [...set.train, ...set.test].map(({ text }) => text);
    expect(new Set(texts).size).toBe(texts.length);
    expect(demoProbeSet(name, 3, balanced)).toEqual(set);
    expect(demoProbeSet(name, 4, balanced)).not.toEqual(set);
  });
});

test('the first rows of an embedded set are those of the generator, in order', () => {
  const { train, test } = demoProbeSet('toxicity', 0, { kind: 'first', rows: 30 });
  expect(train).toEqual(probeSet('toxicity', 0, 30));
  expect(test).toEqual([]);
});

test('stories of the topic set name their teller as the attribute says', () => {
  const { train } = demoProbeSet('topic', 1, balanced);
  const share = (attribute: number): number => {
    const own = train.filter((row) => row.attribute === attribute);
    return own.filter(({ text }) => /\b(I|me|my)\b/.test(text.replace(/"[^"]*"/g, ''))).length / own.length;
  };
  expect(share(1)).toBeGreaterThan(0.95);
  expect(share(0)).toBeLessThan(0.05);
});

test('one class against the rest takes all of it, and as many others once each', () => {
  const labels = [0, 1, 2, 0, 1, 2, 0, 1, 2, 2];
  const { rows, labels: binary } = oneVersusRest(labels, 1, 5, 'set');
  expect([...rows.slice(0, 3)]).toEqual([1, 4, 7]);
  expect([...binary]).toEqual([1, 1, 1, 0, 0, 0]);
  expect(new Set(rows).size).toBe(6);
  for (const row of rows.slice(3)) expect(labels[row]).not.toBe(1);
  expect(oneVersusRest(labels, 1, 5, 'set')).toEqual({ rows, labels: binary });
  expect(() => oneVersusRest([1, 1], 1, 0, 'set')).toThrow(MalformedError);
});

test('a set of one class only is refused', () => {
  const set = demoProbeSet('sentiment', 0, { kind: 'first', rows: 20 });
  const train = set.train.filter(({ label }) => label === 1);
  expect(() => checkClasses({ ...set, train })).toThrow(/10 rows, all of class praise/);
});
