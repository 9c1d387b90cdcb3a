import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { definitions } from '../../../runner/report/definitions.ts';
import { headlines } from '../../../runner/report/headline.ts';
import { measureOf } from '../../../runner/report/measures.ts';
import { record } from '../../../runner/report/schema.ts';

describe('headline values', () => {
  const [headline] = headlines;

  test('are those whose definition says so, with components that are defined', () => {
    expect(headlines.map(({ id }) => id)).toEqual(['interpscore@0.0.1']);
    for (const { components } of headlines) {
      expect(components).toHaveLength(5);
      expect(components.every((id) => Object.hasOwn(definitions, id))).toBe(true);
    }
  });

  test('are the weighted sum of their components in a record', () => {
    const path = '../../fixtures/site/records/small-world-l0.json';
    const found = record.parse(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')));
    const weights = found.suites[headline!.suite.id]!.weights!;
    const sum = headline!.components.reduce(
      (total, id) => total + weights[id]! * measureOf(found, id)!.value!,
      0,
    );
    expect(sum).toBeCloseTo(measureOf(found, headline!.id)!.value!, 5);
  });
});
