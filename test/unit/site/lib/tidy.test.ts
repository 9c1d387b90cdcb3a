import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { tidyParquet } from '../../../../site/lib/parquet.ts';
import { tidyCsv, tidyTable } from '../../../../site/lib/tidy.ts';
import { fixture, fixtures } from '../fixtures.ts';

const records = [...fixtures, ...publishedRecords()];
const table = tidyTable(records);
const rows = Array.from({ length: table[0]!.cells.length }, (_, i) =>
  Object.fromEntries(table.map(({ name, cells }) => [name, cells[i]])),
);
const find = (record: string, definition: string, at: number | null = null) =>
  rows.filter((row) => row.record === record && row.definition === definition && row.at === at);

describe('the tidy table', () => {
  it('has a row for each value, with its interval, definition and source', () => {
    const [row, ...others] = find('small-world-l0', 'interpscore@0.0.1');
    expect(others).toEqual([]);
    const score = fixture('small-world-l0').suites.interpscore!.measures!['interpscore@0.0.1'] as {
      value: number;
      interval: { low: number; high: number };
    };
    expect(row).toMatchObject({
      model: 'interpboard/small-world',
      value: score.value,
      low: score.interval.low,
      high: score.interval.high,
      direction: 'higher',
      source: fixture('small-world-l0').provenance.source,
    });
    expect(find('small-world-l0', 'probe_acc_k@saebench', 5)[0]).toMatchObject({ x: 'k' });
  });

  it('says why there is no interval, and why there is no value', () => {
    expect(find('qwen3.6-27b-papergrade-l11', 'alive_latents@v1')[0]).toMatchObject({
      value: 65_174,
      low: null,
      reason: 'The publisher gives none.',
      window_tokens: 1_000_000,
    });
    expect(find('awkward-import', 'var_exp@pooled-v1')[0]).toMatchObject({
      value: null,
      reason: 'The file read holds no such value.',
    });
  });

  it('is a CSV that no spreadsheet runs, quoted where it must be', () => {
    const wild = structuredClone(fixture('awkward-import'));
    wild.sae.name = '=HYPERLINK("http://x","y"),\nend';
    const text = tidyCsv(tidyTable([wild]));
    expect(text).toContain(`"'=HYPERLINK(""http://x"",""y""),\nend"`);
    const lines = tidyCsv(table).split('\r\n');
    expect(lines).toHaveLength(rows.length + 2);
    expect(lines[0]).toBe(table.map(({ name }) => name).join(','));
  });

  it('is the same in parquet, to the last digit', async () => {
    const read = await parquetReadObjects({ file: tidyParquet(table) });
    const plain = read.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, cell]) => [name, typeof cell === 'bigint' ? Number(cell) : cell]),
      ),
    );
    expect(plain).toEqual(rows);
  });
});
