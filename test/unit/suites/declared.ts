import { expect } from 'vitest';
import { partFaults, part as partSchema } from '../../../runner/report/part.ts';
import type { Part } from '../../../runner/report/schema.ts';
import { definitionOf, suiteOf } from '../../../runner/report/suites/find.ts';

/** A suite's part holds what its declaration says, and within its bounds. */
export function expectDeclared(suite: string, part: Part): void {
  expect(partSchema.parse(part)).toEqual(part);
  expect(partFaults(part, suiteOf({}, suite)!, (id) => definitionOf({}, id))).toEqual([]);
}
