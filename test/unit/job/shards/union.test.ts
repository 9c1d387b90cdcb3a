import { describe, expect, it } from 'vitest';
import { type FoundShard, listed, unionOf } from '../../../../runner/job/shards/union.ts';

const identity = { trained: 't', evaluated: 'e', model: 'm' };
const plan = { identity, shards: [{ saes: ['L0', 'L1'] }, { saes: ['L2'] }, { saes: ['L3'] }] };

const whole = (index: number): NonNullable<FoundShard> => ({
  identity,
  stage: 'done',
  shard: { index, of: 3, saes: [...plan.shards[index - 1]!.saes] },
});

describe('unionOf', () => {
  it('is every shard where all are done', () => {
    const union = unionOf(plan, [whole(1), whole(2), whole(3)]);
    expect(union.done.map(({ index, saes }) => [index, saes])).toEqual([
      [1, ['L0', 'L1']],
      [2, ['L2']],
      [3, ['L3']],
    ]);
    expect([union.missing, union.foreign]).toEqual([[], []]);
  });

  it('names those that have not begun or are at work', () => {
    const union = unionOf(plan, [undefined, { ...whole(2), stage: 'training' }, whole(3)]);
    expect(union.done.map(({ index }) => index)).toEqual([3]);
    expect(listed(union.missing)).toBe('1-of-3 has not begun, 2-of-3 is still training');
  });

  it.each<[string, Partial<NonNullable<FoundShard>>, string]>([
    [
      'other model files',
      { identity: { ...identity, model: 'x' } },
      'is of other files of the language model',
    ],
    ['another training', { identity: { ...identity, trained: 'x' } }, 'trained with other settings'],
    ['another evaluation', { identity: { ...identity, evaluated: 'x' } }, 'was measured with other settings'],
    ['the folder of another shard', { shard: { index: 1, of: 3, saes: ['L2'] } }, 'is another shard'],
    ['another number', { shard: { index: 2, of: 4, saes: ['L2'] } }, 'is another shard'],
    ['other SAEs', { shard: { index: 2, of: 3, saes: ['L3'] } }, 'has other SAEs (L3)'],
    ['a run that is no shard', { shard: undefined }, 'is another shard'],
  ])('refuses %s by name, done or not', (_what, change, said) => {
    for (const stage of ['done', 'training'] as const) {
      const union = unionOf(plan, [whole(1), { ...whole(2), stage, ...change }, whole(3)]);
      expect(listed(union.foreign)).toContain(`2-of-3 ${said}`);
      expect(union.done).toHaveLength(2);
    }
  });
});
