import { expect, test } from 'vitest';
import { shareMemory } from '../../../runner/lm/memory.ts';

const needs = { family: { dModel: 64, vocabulary: 1_000 }, weights: 1e9, positions: 128, saes: 1e6 };
const beside = 5e8;
const { working } = shareMemory(1e10, needs);

test('what is kept beside hooks is part of the memory that is given', () => {
  expect(shareMemory(1e10, needs).beside).toBe(0);
  const roomy = shareMemory(1e10, { ...needs, beside });
  expect(roomy.beside).toBe(beside);
  expect(roomy.working + needs.weights + roomy.waiting + roomy.beside).toBe(1e10);
  // A model that fits stays whole: less is kept, and ablations take a pass of their own beyond that.
  const tight = shareMemory(working + needs.weights + 1e6, { ...needs, beside });
  expect(tight).toEqual({ working, weights: undefined, waiting: 0, beside: 1e6 });
  // Of a model that is loaded in turn nothing is.
  expect(shareMemory(working + needs.weights - 1, { ...needs, beside }).beside).toBe(0);
});
