import { expect, test } from 'vitest';
import { MAX_NESTING, parseJson } from '../../../runner/formats/json.ts';

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

test('what is nested without end is refused where it enters', () => {
  expect(() => parseJson(nested(MAX_NESTING))).not.toThrow();
  expect(() => parseJson(nested(100_000))).toThrow(SyntaxError);
  expect(() => parseJson(`{"a":${nested(MAX_NESTING + 5)}}`)).toThrow(/nested more than 64 deep/);
});

test('a byte order mark before it is passed over', () => {
  expect(parseJson('\ufeff{"a": [1]}')).toEqual({ a: [1] });
  expect(() => parseJson('\ufeff\ufeff1')).toThrow(SyntaxError);
});
