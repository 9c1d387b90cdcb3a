import { expect, test } from 'vitest';
import { clip, MalformedError, quote } from '../../runner/errors.ts';

const message = (found: string) =>
  new MalformedError({ thing: 'a file', found, expected: 'b', next: 'c.' }).message;

test('nothing of a file moves the cursor, turns the writing or hides', () => {
  expect(message('a\u001b[2Jb')).toBe('a file: found a [2Jb; expected b. c.');
  expect(message('x\u009b31m\u0085')).toBe('a file: found x\\u009b31m\\u0085; expected b. c.');
  expect(message('safe\u202etxt.exe\u200b\ufeff')).toBe(
    'a file: found safe\\u202etxt.exe\\u200b\\ufeff; expected b. c.',
  );
  expect(message('a\u{e0041}b\u00adc')).toBe('a file: found a\\u{e0041}b\\u00adc; expected b. c.');
  expect(message('naïve 日本 🙂')).toContain('naïve 日本 🙂');
});

test('foreign text is shown in bounds', () => {
  expect(quote('x'.repeat(5_000)).length).toBeLessThan(200);
  expect(clip(`start${'x'.repeat(5_000)}end`)).toMatch(/^startx+…x+end$/);
  expect(clip('x'.repeat(5_000))).toHaveLength(199);
  expect(message('x'.repeat(50_000)).length).toBeLessThan(1_000);
});
