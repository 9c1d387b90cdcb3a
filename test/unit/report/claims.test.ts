/** What a record may claim: names that are seen, counts that fit, a composite that is the sum of its parts. */
import { expect, test } from 'vitest';
import { checkRecord } from '../../../runner/report/run-records.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { fixture } from '../site/fixtures.ts';

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
