import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { measureOf } from '../../../runner/report/measures.ts';
import { saeBenchTables } from '../../../runner/report/published-tables/saebench-core.ts';
import { recordsOf, recordTable } from '../../../runner/report/record-table.ts';

const tables = saeBenchTables();
const records = tables.flatMap((table) => recordsOf(table).map((found) => found.data!));
const value = (entry: (typeof records)[number], id: string): number =>
  measureOf(entry, id)?.value ?? Number.NaN;

describe('tables of published figures', () => {
  it('are committed exactly as the maker writes them', () => {
    const folder = new URL('../../../content/published/saebench-core/', import.meta.url);
    expect(readdirSync(folder).toSorted()).toEqual(tables.map(({ id }) => `${id}.json`).toSorted());
    for (const table of tables) {
      const text = readFileSync(new URL(`${table.id}.json`, folder), 'utf8');
      expect(recordTable.parse(JSON.parse(text))).toEqual(table);
      expect(text).toBe(`${JSON.stringify(table, null, 2)}\n`);
    }
  });

  it('hold 252 SAEs: 7 architectures, 6 sparsities, 6 suites', () => {
    expect(tables).toHaveLength(6);
    expect(new Set(records.map(({ id }) => id)).size).toBe(252);
    const kinds = Object.groupBy(records, ({ sae }) => `${sae.architecture} ${sae.variant ?? ''}`);
    expect(Object.values(kinds).map((each) => each!.length)).toEqual(new Array(7).fill(36));
  });

  it('agree with themselves: loss recovered follows from the three losses, to their rounding', () => {
    for (const entry of records) {
      const [clean, sae, zero] = ['clean', 'sae', 'zero'].map((of) =>
        value(entry, `loss_${of}@saebench-core`),
      ) as [number, number, number];
      const recovered = (zero - sae) / (zero - clean);
      expect(Math.abs(recovered - value(entry, 'loss_recovered@saebench-core'))).toBeLessThan(2e-6);
    }
  });

  it('are records as any others, that name their table and have no interval', () => {
    const entry = records.find(({ id }) => id === 'saebench-gemma-2-2b-65k-p-anneal-3')!;
    expect(entry).toMatchObject({
      kind: 'published',
      sae: { architecture: 'relu', variant: 'p-anneal', layer: 12, d_sae: 65_536, d_in: 2_304 },
      provenance: { table: 'saebench-gemma-2-2b-65k' },
    });
    const measure = measureOf(entry, 'loss_recovered@saebench-core');
    expect(measure).toMatchObject({ interval: null, interval_note: 'The source gives none.' });
    expect(entry.suites.core!.measures!['loss_recovered@saebench-core']).toBe(measure);
    expect(entry.metrics['l0@v1']).toMatchObject({ window_tokens: 4_096_000 });
  });

  it('are refused with a row too short, or a value outside its definition’s range', () => {
    const [table] = tables;
    const short = structuredClone(table!);
    short.rows[3]!.values.pop();
    expect(recordTable.safeParse(short).error?.issues[0]?.path).toEqual(['rows', 3, 'values']);
    const negative = structuredClone(table!);
    negative.rows[0]!.values[0] = -1;
    expect(recordsOf(negative)[0]!.error?.issues[0]?.message).toMatch(/expected a value in \[0/);
    expect(recordsOf(negative)[1]!.success).toBe(true);
  });
});
