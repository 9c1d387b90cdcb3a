import { expect, it } from 'vitest';
import { ANY_WORDS, optionWords, parseOptions } from '../../../runner/commands/parse-options.ts';
import { everyVerb } from '../../../runner/commands/shared-options.ts';

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

it('says options again as words that are read the same', () => {
  const all = { ...options, set: { type: 'string', multiple: true } } as const;
  const { values } = parseOptions('build', ['--help', '--set=a=1', '--out=there', '--set=b=2'], all);
  expect(optionWords({ ...values, none: undefined, off: false }).sort()).toEqual(
    ['--help', '--out=there', '--set=a=1', '--set=b=2'].sort(),
  );
  expect({ ...parseOptions('build', optionWords(values), all).values }).toEqual({ ...values });
});
