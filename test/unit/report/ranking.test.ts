import { expect, test } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { drawsOf } from '../../../runner/report/paired.ts';
import { rankWithin } from '../../../runner/report/ranking.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { boardOf } from './scored.ts';

const ID = 'interpscore@0.0.1';

/** Three records of the models given, the first the best by far. */
function board(models: readonly Partial<EvaluationRecord['model']>[]): EvaluationRecord[] {
  const made = boardOf(random('ranking'), { saes: models.length, rows: 60, gap: 0.05, count: 200 });
  return made.map((record, i) => ({ ...record, model: { ...record.model, ...models[i] } }));
}

const groups = (records: readonly EvaluationRecord[]) =>
  rankWithin(records, ID, () => true).map((each) => each?.group ?? null);

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)];

test('a model is known by its checksum, where one has none by id and revision; ranked and paired alike', () => {
  const named = board([{ sha256: A }, { sha256: A, id: 'the same in a folder' }, { sha256: B }]);
  expect(groups(named)).toEqual([0, 0, 1]);
  const [first, second, third] = named.map((record) => drawsOf(record, ID)!.rows);
  expect([first === second, first === third]).toEqual([true, false]);
  expect(groups(board([{ sha256: A }, { sha256: null }, { sha256: null, id: 'another' }]))).toEqual([
    0, 0, 1,
  ]);
  // Which of two it is nobody says.
  expect(groups(board([{ sha256: A }, { sha256: null }, { sha256: B }]))).toEqual([0, 1, 2]);
});

test('SAEs of one hook, transcoders and cross-layer transcoders are ranked apart', () => {
  const [mlp, crossing] = ['blocks.3.hook_mlp_out', 'blocks.0.hook_resid_mid'];
  const places = [
    { hook: mlp },
    { hook: mlp, reads: 'blocks.3.hook_resid_mid' },
    { hook: mlp, reads: crossing, layers: 4 },
    { hook: 'blocks.5.hook_mlp_out', reads: crossing, layers: 6 },
  ];
  const records = board([{}, {}, {}, {}]).map((each, i) => ({ ...each, sae: { ...each.sae, ...places[i] } }));
  expect(groups(records)).toEqual([0, 1, 2, 2]);
});

test('crosscoders of two models and of several hooks are ranked apart from SAEs, and from one another', () => {
  const hook = 'blocks.3.hook_resid_post';
  const at = (model: string, layer: number) => ({ model, hook: `blocks.${layer}.hook_resid_post`, layer });
  const other_model = { id: 'lab/it', revision: null, sha256: null };
  const places = [
    { hook },
    { hook, places: [at('a', 3), at('lab/it', 3)], other_model },
    { hook, places: [at('a', 2), at('a', 3)] },
    { hook, places: [at('a', 1), at('a', 3)] },
  ];
  const records = board([{}, {}, {}, {}]).map((each, i) => ({ ...each, sae: { ...each.sae, ...places[i] } }));
  expect(groups(records)).toEqual([0, 1, 2, 2]);
});

test('a record without an interval has no rank', () => {
  const records = board([{}, {}, {}]);
  records[1]!.suites.interpscore!.measures![ID] = {
    value: 0.5,
    interval: null,
    interval_note: 'none',
  };
  expect(rankWithin(records, ID, () => true).map((each) => each && [each.best, each.worst])).toEqual([
    [1, 1],
    null,
    [2, 2],
  ]);
});
