import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../runner/errors.ts';
import { whichShard } from '../../../../runner/job/shards/which-shard.ts';

const slurm = (id: number, min: number, max: number, count: number, step?: number) => ({
  SLURM_ARRAY_TASK_ID: String(id),
  SLURM_ARRAY_TASK_MIN: String(min),
  SLURM_ARRAY_TASK_MAX: String(max),
  SLURM_ARRAY_TASK_COUNT: String(count),
  ...(step === undefined ? {} : { SLURM_ARRAY_TASK_STEP: String(step) }),
});

describe('whichShard', () => {
  it('is told', () => {
    expect(whichShard('2/6', {})).toEqual({ index: 2, of: 6 });
    // Never of an engine's variables where it is told.
    expect(whichShard('2/6', slurm(4, 1, 6, 6))).toEqual({ index: 2, of: 6 });
  });

  it.each([
    ['auto', slurm(1, 1, 6, 6, 1), { index: 1, of: 6 }],
    ['auto', slurm(5, 0, 5, 6), { index: 6, of: 6 }],
    ['auto/3', slurm(4, 0, 4, 3, 2), { index: 3, of: 3 }],
    ['auto/6', { JOB_COMPLETION_INDEX: '0' }, { index: 1, of: 6 }],
    ['auto/6', { JOB_COMPLETION_INDEX: '5' }, { index: 6, of: 6 }],
  ] as const)('reads %s of %j', (text, environment, expected) => {
    expect(whichShard(text, environment)).toEqual(expected);
  });

  it.each([
    ['0/6', {}, 'shard 0 of 6'],
    ['7/6', {}, 'shard 7 of 6'],
    ['2', {}, 'i/N'],
    ['', {}, 'i/N'],
    ['1.5/6', {}, 'i/N'],
    ['-1/6', {}, 'i/N'],
    ['auto', {}, 'SLURM_ARRAY_TASK_ID'],
    // --array=1,2,5 and --array=1-6:2 without its step
    ['auto', slurm(5, 1, 5, 3, 1), 'gaps'],
    ['auto/6', slurm(1, 1, 5, 5), '--array=1-6'],
    ['auto', { SLURM_ARRAY_TASK_ID: '1' }, 'SLURM_ARRAY_TASK_MIN'],
    ['auto', { ...slurm(1, 1, 6, 6), SLURM_ARRAY_TASK_COUNT: 'six' }, '"six"'],
    ['auto', { JOB_COMPLETION_INDEX: '3' }, 'auto/6'],
    ['auto/3', { JOB_COMPLETION_INDEX: '3' }, 'shard 4 of 3'],
    ['auto/3', { JOB_COMPLETION_INDEX: 'x' }, '"x"'],
  ] as const)('refuses %j of %j', (text, environment, said) => {
    expect(() => whichShard(text, environment)).toThrow(UserError);
    expect(() => whichShard(text, environment)).toThrow(said);
  });
});
