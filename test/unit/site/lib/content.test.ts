import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { checkContent, trustedContent } from '../../../../runner/report/content-files.ts';
import { saeBenchTables } from '../../../../runner/report/published-tables/saebench-core.ts';
import { schemaVersion } from '../../../../runner/report/schema.ts';
import { contentFiles, readContent } from '../../../../site/lib/content.ts';
import { recordPage, releaseOf } from '../../../../site/lib/release.ts';
import { fixture } from '../fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'interpboard-content-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const older = fileURLToPath(
  new URL('../../../fixtures/report/record-1/small-world-l2.json', import.meta.url),
);
const [table] = saeBenchTables();

mkdirSync(join(folder, 'measured', 'run'), { recursive: true });
writeFileSync(join(folder, 'measured', 'run', 'l0.json'), JSON.stringify(fixture('small-world-l0')));
writeFileSync(join(folder, 'older.json'), readFileSync(older));
writeFileSync(join(folder, 'table.json'), JSON.stringify(table));
writeFileSync(join(folder, 'notes.md'), 'not a record');
// Evidence of latents stands beside the records.
mkdirSync(join(folder, 'features', 'run', 'l0'), { recursive: true });
writeFileSync(join(folder, 'features', 'run', 'l0', 'index.json'), '{}');

describe('files of the content folder', () => {
  it('are records, records of earlier versions, and tables with a record per row', () => {
    expect(contentFiles(folder)).toEqual(['measured/run/l0.json', 'older.json', 'table.json']);
    for (const read of [checkContent, trustedContent]) {
      const [record, migrated, rows] = contentFiles(folder).map((file) =>
        read(file, readContent(file, folder)),
      );
      expect(record).toEqual({
        file: 'measured/run/l0.json',
        records: [fixture('small-world-l0')],
        table: null,
        similarity: null,
      });
      expect(migrated!.records.map(({ schema, id }) => [schema, id])).toEqual([
        [schemaVersion, 'small-world-l2'],
      ]);
      expect(rows!.table?.id).toBe('saebench-pythia-160m-4k');
      expect(rows!.records).toHaveLength(42);
    }
  });

  it('rows of a table share its page, every other record has its own', () => {
    const [row] = trustedContent('table.json', readContent('table.json', folder)).records;
    expect(recordPage(row!)).toBe('release/saebench-pythia-160m-4k/#saebench-pythia-160m-4k-standard-0');
    expect(releaseOf(row!)).toBe('saebench-pythia-160m-4k');
    expect(recordPage(fixture('small-world-l0'))).toBe('sae/small-world-l0/');
  });

  it('are refused by file and field', () => {
    const wrong = { ...fixture('small-world-l0'), colour: 'red' };
    expect(() => checkContent('a.json', JSON.stringify(wrong))).toThrow(/^a\.json: top level: .*colour/);
    expect(() => checkContent('b.json', '{')).toThrow(/^b\.json failed to parse: /);
    const short = structuredClone(table!);
    short.rows[2]!.values.pop();
    expect(() => checkContent('c.json', JSON.stringify(short))).toThrow(
      'c.json: rows.2.values: expected 5 values, one per column, received 4',
    );
    const low = structuredClone(table!);
    low.rows[0]!.values[0] = -1;
    expect(() => checkContent('d.json', JSON.stringify(low))).toThrow(/^d\.json: metrics\.l0@v1\.value: /);
  });
});
