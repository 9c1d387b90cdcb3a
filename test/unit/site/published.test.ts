import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { componentNames, definitions, interpScoreComponents } from '../../../runner/report/definitions.ts';
import { interpScoreOf } from '../../../runner/report/measures.ts';
import { publishedRecords } from '../../../runner/report/published.ts';
import { rankedKinds } from '../../../runner/report/schema.ts';

const folder = new URL('../../../content/published/', import.meta.url);
const records = publishedRecords();

/** Half a unit of the last decimal a figure was published with. */
function halfUnit(value: number): number {
  return 0.5 * 10 ** -(String(value).split('.')[1] ?? '').length;
}

describe('published records', () => {
  it('are committed exactly as the maker writes them', () => {
    const committed = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .toSorted();
    expect(committed).toEqual(records.map((entry) => `${entry.id}.json`).toSorted());
    for (const entry of records) {
      const text = readFileSync(new URL(`${entry.id}.json`, folder), 'utf8');
      expect(text).toBe(`${JSON.stringify(entry, null, 2)}\n`);
    }
  });

  it.each(records.map((entry) => [entry.id, entry] as const))(
    '%s: the components give the published composite to within their rounding',
    (_, entry) => {
      const score = interpScoreOf(entry);
      let sum = 0;
      let slack = 1e-9;
      for (const name of componentNames) {
        const value = score?.components[name].value ?? Number.NaN;
        const { weight } = interpScoreComponents[name];
        expect(score?.weights[name]).toBe(weight);
        sum += weight * value;
        slack += weight * Math.max(halfUnit(value), 0.0005);
      }
      const published = score?.score.value ?? Number.NaN;
      expect(Math.abs(sum - published)).toBeLessThanOrEqual(slack + Math.max(halfUnit(published), 0.00005));
    },
  );

  it('keeps demo and external rows out of the ranked kinds', () => {
    expect(records.slice(0, 3).map((entry) => entry.metrics['alive_latents@v1']?.value)).toEqual([
      65_174, 64_138, 58_204,
    ]);
    const kinds = Object.groupBy(records, (entry) => entry.kind);
    expect(kinds.published?.map((entry) => entry.sae.layer)).toEqual([11, 31, 55]);
    expect(kinds.demo).toHaveLength(2);
    expect(kinds.external).toHaveLength(2);
    expect(rankedKinds).not.toContain('demo');
    expect(rankedKinds).not.toContain('external');
  });

  it('tells the two alive windows of the reference release apart', () => {
    for (const entry of records.filter((one) => one.kind === 'published')) {
      const validation = entry.metrics['alive@v1'];
      const score = interpScoreOf(entry)?.components.alive;
      expect(entry.metrics['alive_latents@v1']?.value).toBe((validation?.value ?? 0) * entry.sae.d_sae);
      expect(validation).toMatchObject({ window_tokens: 1_000_000 });
      expect(score).toMatchObject({ window_tokens: 250_000 });
      expect(validation?.value).not.toBe(score?.value);
      const dead = entry.metrics['dead_fraction@v1'];
      expect(1 - (validation?.value ?? 0)).toBeCloseTo(dead?.value ?? -1, 4);
    }
  });

  it('says why no value has an interval', () => {
    for (const entry of records) {
      for (const measure of [
        ...Object.values(entry.metrics),
        ...Object.values(interpScoreOf(entry)?.components ?? {}),
      ]) {
        if (measure.value === null) continue;
        expect(measure.interval).toBeNull();
        expect(measure.interval_note).toBeTruthy();
      }
    }
  });

  it('carries the published trajectory', () => {
    const [first] = records;
    expect(first?.trajectory?.var_exp).toBe('var_exp@chunk-v1');
    expect(definitions[first?.trajectory?.var_exp ?? 'l0@v1'].note).toContain('2,048');
    expect(first?.trajectory?.points.map((point) => [point.tokens, point.var_exp, point.dead])).toEqual([
      [10e6, 0.716, null],
      [40e6, 0.794, 159],
      [70e6, 0.815, 160],
      [90e6, 0.825, 227],
      [200e6, 0.842, 30],
    ]);
  });
});
