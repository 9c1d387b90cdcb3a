/** What a record may claim: names that are seen, counts that fit, a composite that is the sum of its parts. */
import { describe, expect, test } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { checkRecord } from '../../../runner/report/run-records.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';
import { withDraws } from '../site/with-draws.ts';
import { boardOf } from './scored.ts';

function changed(change: (record: EvaluationRecord) => void): EvaluationRecord {
  const record = structuredClone(fixture('small-world-l2'));
  change(record);
  return record;
}

test.each<[string, (record: EvaluationRecord) => void, RegExp]>([
  ['a blank name', ({ sae }) => Object.assign(sae, { name: ' \t ' }), /sae.name: found expected a name/],
  ['a name that is turned round', ({ sae }) => Object.assign(sae, { name: 'a\u202eb' }), /received U\+202E/],
  [
    'a name with a character that nobody sees',
    ({ model }) => Object.assign(model, { id: 'a\u200bb' }),
    /received U\+200B/,
  ],
  ['a C1 control', ({ sae }) => Object.assign(sae, { hook: 'a\u009bb' }), /received U\+009B/],
  [
    'billions of latents',
    ({ sae }) => Object.assign(sae, { d_sae: 9e15 }),
    /sae.d_sae: found expected at most 67108864/,
  ],
  ['no latents', ({ sae }) => Object.assign(sae, { d_sae: 0, k: null }), /sae.d_sae/],
  [
    'more kept than there are',
    ({ sae }) => Object.assign(sae, { k: 1025 }),
    /sae.k: found expected at most 1024, received 1025/,
  ],
  [
    'more active than there are',
    ({ metrics }) => Object.assign(metrics['l0@v1']!, { value: 5000 }),
    /l0@v1.value/,
  ],
  [
    'more layers than there are up to its last',
    ({ sae }) => Object.assign(sae, { layers: 4 }),
    /1 to 3, received 4/,
  ],
  [
    'a crosscoder whose last place is another hook',
    ({ sae, model }) =>
      Object.assign(sae, { places: [0, 1].map((layer) => ({ model: model.id, hook: sae.hook, layer })) }),
    /sae.places: found expected the last of them/,
  ],
  [
    'a place in a model that it does not name',
    ({ sae, model }) =>
      Object.assign(sae, {
        places: ['lab/it', model.id].map((name) => ({ model: name, hook: sae.hook, layer: sae.layer })),
      }),
    /sae.places.0.model/,
  ],
  ['a block beyond the last', ({ sae, model }) => Object.assign(sae, { layer: model.blocks }), /sae.layer/],
  [
    'a composite that is not the sum of its parts',
    ({ suites }) =>
      Object.assign(suites.interpscore!.measures!['interpscore@0.0.1']!, {
        value: 0.99,
        interval: null,
        interval_note: 'x',
      }),
    /the weighted sum of its components, received 0.99/,
  ],
  [
    'a score above its bound',
    ({ suites }) => Object.assign(suites.interpscore!.measures!['interpscore@0.0.1']!, { value: 5 }),
    /interpscore@0.0.1.value/,
  ],
])('%s is refused', (_what, change, message) => {
  expect(() => checkRecord(changed(change), 'x')).toThrow(message);
});

test('rounding, a missing component and names in any script are not', () => {
  const rounded = changed(({ suites }) => {
    const score = suites.interpscore!.measures!['interpscore@0.0.1']!;
    Object.assign(score, {
      value: Math.round(1000 * score.value!) / 1000,
      interval: null,
      interval_note: 'x',
    });
  });
  expect(() => checkRecord(rounded, 'x')).not.toThrow();
  const missing = changed(({ suites }) => {
    suites.interpscore!.measures!['tpp@interpscore-0.0.1'] = { value: null, reason: 'not measured' };
  });
  expect(() => checkRecord(missing, 'x')).not.toThrow();
  expect(() =>
    checkRecord(
      changed(({ sae }) => Object.assign(sae, { name: '日本語 naïve SAE' })),
      'x',
    ),
  ).not.toThrow();
});

const SCORE = 'interpscore@0.0.1';
const score = ({ suites }: EvaluationRecord) => suites.interpscore!.measures![SCORE]!;

test('a value beside its interval wants a reason', () => {
  const beside = { value: 0.7, interval: { low: 0.71, high: 0.72 }, method: 'studentised@2' };
  const held = (words: object): string => {
    const record = withDraws(fixture('small-world-l2'), 0.7, 1);
    record.suites.interpscore!.measures![SCORE] = Object.assign({ ...beside }, words) as never;
    try {
      checkRecord(record, 'x');
      return 'read';
    } catch (error) {
      return String(error);
    }
  };
  expect(held({})).toMatch(/interval: found expected 0.7 between 0.71 and 0.72, or a note/);
  expect(held({ interval_note: 'resamples lie on one side of it' })).toBe('read');
  expect(held({ interval: { low: 0.7, high: 0.72 } })).toBe('read');
  // As records hold it that were made before intervals named their method.
  expect(held({ method: undefined })).toBe('read');
});

describe('resamples', () => {
  const [withInfluences] = boardOf(random('claims'), { saes: 1, rows: 40, gap: 0, count: 300 });
  const records = { levels: withDraws(fixture('small-world-l2'), 0.7, 1), influences: withInfluences! };

  test.each(Object.entries(records))('as %s are those of the value', (_name, record) => {
    expect(() => checkRecord(structuredClone(record), 'x')).not.toThrow();
    const other = structuredClone(record);
    const draws = other.paired!.draws[SCORE]!;
    draws.low += 0.5;
    expect(() => checkRecord(other, 'x')).toThrow(
      /expected resamples of 0\.\d+, received some around 1\.\d+/,
    );
  });

  test('all of one value are of that value', () => {
    const constant = structuredClone(records.levels);
    Object.assign(constant.paired!.draws[SCORE]!, { step: 0, low: 0.7 });
    expect(() => checkRecord(structuredClone(constant), 'x')).not.toThrow();
    Object.assign(constant.paired!.draws[SCORE]!, { low: 0.7001 });
    expect(() => checkRecord(constant, 'x')).toThrow(/resamples of 0.7, received some around 0.7001/);
  });

  test('are as many as the record says, over blocks that it has', () => {
    const fewer = structuredClone(records.levels);
    fewer.paired!.count = 999;
    expect(() => checkRecord(fewer, 'x')).toThrow(/expected 999 resamples, received 1000/);
    const blocks = structuredClone(records.influences);
    blocks.paired!.sources![0]!.strata = [39];
    expect(() => checkRecord(blocks, 'x')).toThrow(/an influence for each block/);
  });

  test('of a value that is replaced are not its own', () => {
    const forged = structuredClone(records.influences);
    Object.assign(score(forged), { value: 0.99, interval: null, interval_note: 'x' });
    // Influences go out from the value; what is left beyond them is of the old one only where there are none.
    expect(() => checkRecord(forged, 'x')).not.toThrow();
    const other = structuredClone(records.levels);
    Object.assign(score(other), { value: 0.99, interval: null, interval_note: 'x' });
    expect(() => checkRecord(other, 'x')).toThrow(/expected resamples of 0.99/);
  });
});
