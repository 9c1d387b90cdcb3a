import { describe, expect, test } from 'vitest';
import { dataReference, fileIn, isDataReference } from '../../../runner/text/data-reference.ts';
import { lastTokens } from '../../../runner/text/encoded-texts.ts';
import type { Tokenizer } from '../../../runner/text/tokenizer.ts';

describe('data files that a setting names', () => {
  test('are written as the reference alone, or as a run pinned them', () => {
    expect(dataReference.parse('./tasks')).toEqual({ data: './tasks' });
    const pinned = { data: 'tasks', given: './tasks', fingerprint: 'a'.repeat(64) };
    expect(dataReference.parse(pinned)).toEqual(pinned);
    expect(isDataReference(pinned)).toBe(true);
    for (const other of ['tasks', null, 3, ['tasks'], { data: '' }, { data: 'tasks', more: 1 }]) {
      expect(isDataReference(other)).toBe(false);
    }
  });

  test.each([
    [{ data: '/data/tasks/', fingerprint: 'a'.repeat(64) }, '/data/tasks/a.csv'],
    [{ data: 'datasets/lab/tasks@main' }, 'datasets/lab/tasks@main:a.csv'],
    [{ data: 'datasets/lab/tasks@main:cleaned' }, 'datasets/lab/tasks@main:cleaned/a.csv'],
  ])('a file of %o', (reference, expected) => {
    expect(fileIn(reference, 'a.csv')).toBe(expected);
  });
});

describe('the last tokens of a text', () => {
  const tokenizer = {
    encode: (text: string, { specialTokens }: { specialTokens: boolean }) => {
      const plain = [...text].map((each) => each.charCodeAt(0));
      return specialTokens ? [1, ...plain, 2] : plain;
    },
  } as Tokenizer;

  test('stand between the special tokens, as where a tokenizer truncates on the left', () => {
    expect(lastTokens(tokenizer, 'abcdef', 5)).toEqual([1, 100, 101, 102, 2]);
    expect(lastTokens(tokenizer, 'abc', 5)).toEqual([1, 97, 98, 99, 2]);
    expect(lastTokens(tokenizer, '', 5)).toEqual([1, 2]);
  });
});
