import { expect, it } from 'vitest';
import { run as merge } from '../../../runner/commands/merge.ts';
import {
  ANY_WORDS,
  optionWords,
  parseOptions,
  refuseIdleOptions,
} from '../../../runner/commands/parse-options.ts';
import { run as publish } from '../../../runner/commands/publish.ts';
import { everyVerb } from '../../../runner/commands/shared-options.ts';
import { run as submit } from '../../../runner/commands/submit.ts';

const options = { ...everyVerb, out: { type: 'string' } } as const;

it('gives options and words, and refuses what a verb does not take in one line', () => {
  const parsed = parseOptions('build', ['--out=there', 'a', 'b'], options, ANY_WORDS);
  expect({ ...parsed.values }).toEqual({ out: 'there' });
  expect(parsed.positionals).toEqual(['a', 'b']);
  expect(() => parseOptions('build', ['--ut=there'], options)).toThrow(/^options of build: .*--ut/);
  expect(() => parseOptions('build', ['--out'], options)).toThrow(/^options of build: .*--out/);
  expect(() => parseOptions('build', ['there'], options)).toThrow(
    'arguments of build: found "there"; expected options alone',
  );
  expect(() => parseOptions('init', ['a', 'b'], options, { most: 1, expected: 'one folder' })).toThrow(
    'arguments of init: found "a" "b"; expected one folder',
  );
  const one = { least: 1, most: 1, expected: 'one run' };
  expect(() => parseOptions('merge', ['--out=there'], options, one)).toThrow(
    'arguments of merge: found none; expected one run',
  );
  expect(parseOptions('merge', ['a'], options, one).positionals).toEqual(['a']);
  expect(parseOptions('merge', ['--help'], options, one).positionals).toEqual([]);
  expect(() => parseOptions('merge', ['--help', 'a', 'b'], options, one)).toThrow('found "a" "b"');
});

it('refuses an option that does nothing without another one', () => {
  const needs = [['out', false, '--site']] as const;
  expect(() => refuseIdleOptions({ out: 'there' }, needs)).toThrow(
    '--out: found "there"; expected none: it does nothing without --site. Leave it out',
  );
  expect(() => refuseIdleOptions({ out: ['a', 'b'] }, needs)).toThrow('--out: found "a", "b"; expected none');
  expect(() => refuseIdleOptions({ out: 'there' }, [['out', true, '--site']])).not.toThrow();
  expect(() => refuseIdleOptions({}, needs)).not.toThrow();
});

it('of verbs that have several uses', async () => {
  for (const [verb, words, option] of [
    [merge, ['run', '--shards=2'], 'shards'],
    [submit, ['--json', '--engine=slurm', '--shards=2'], 'json'],
    [submit, ['--engine=slurm', '--shards=2', '--image=a/b'], 'image'],
    [submit, ['--engine=slurm', '--shards=2', '--claim=c'], 'claim'],
    [submit, ['--engine=kubernetes', '--shards=2', '--flavor=l4x1'], 'flavor'],
    [submit, ['--engine=kubernetes', '--shards=2', '--directive=--mem=1'], 'directive'],
    [submit, ['--engine=hf-jobs', '--shards=2', '--gpus=2'], 'gpus'],
    [publish, ['--site=out', '--license=mit'], 'license'],
  ] as const)
    await expect(verb(words), words.join(' ')).rejects.toThrow(
      new RegExp(`^--${option}: found .*does nothing without`),
    );
});

it('says options again as words that are read the same', () => {
  const all = { ...options, set: { type: 'string', multiple: true } } as const;
  const { values } = parseOptions('build', ['--help', '--set=a=1', '--out=there', '--set=b=2'], all);
  expect(optionWords({ ...values, none: undefined, off: false }).sort()).toEqual(
    ['--help', '--out=there', '--set=a=1', '--set=b=2'].sort(),
  );
  expect({ ...parseOptions('build', optionWords(values), all).values }).toEqual({ ...values });
});
