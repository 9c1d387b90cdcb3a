import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { csvRows } from '../../../runner/formats/csv.ts';
import { isJsonList, jsonList } from '../../../runner/formats/json-list.ts';
import { BrokenRow, jsonLines } from '../../../runner/formats/lines.ts';
import { type ByteSource, memorySource } from '../../../runner/io/byte-source.ts';

interface Row {
  value: unknown;
  next: number;
}

async function all(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

const source = (text: string): ByteSource => memorySource('a file', Buffer.from(text));
const values = (rows: readonly Row[]): unknown[] =>
  rows.map(({ value }) => (value instanceof BrokenRow ? value.error.message : value));

/** Reading from where any row ended gives the rows after it. */
async function expectResumable(read: (start: number) => AsyncIterable<Row>): Promise<void> {
  const rows = await all(read(0));
  for (const [i, { next }] of rows.entries()) expect(await all(read(next))).toEqual(rows.slice(i + 1));
}

describe('JSON lists', () => {
  const text = '\ufeff [ {"a": "x, ]\\"}"} ,\n[1, [2, {"b": "["}]], "é,", 5, null,\n {"a": 1} ]\n ';
  const expected = [{ a: 'x, ]"}' }, [1, [2, { b: '[' }]], 'é,', 5, null, { a: 1 }];

  test.each(['none', 'gzip'] as const)('item by item, from any on (%s)', async (compression) => {
    const bytes = compression === 'none' ? Buffer.from(text) : gzipSync(text);
    const file = memorySource('a file', bytes);
    expect(await isJsonList(file, compression)).toBe(true);
    expect(values(await all(jsonList(file, compression)))).toEqual(expected);
    await expectResumable((start) => jsonList(file, compression, start));
  });

  test('in pieces of any size', async () => {
    const long = JSON.stringify(Array.from({ length: 300_000 }, (_, i) => ({ i, text: `row ${i}, [` })));
    const rows = await all(jsonList(source(long), 'none'));
    expect(rows).toHaveLength(300_000);
    expect(rows[299_999]?.value).toEqual({ i: 299_999, text: 'row 299999, [' });
  });

  test('an empty one, and what is none', async () => {
    expect(await all(jsonList(source('[]'), 'none'))).toEqual([]);
    expect(await isJsonList(source('{"a": []}'), 'none')).toBe(false);
    expect(await isJsonList(source(''), 'none')).toBe(false);
  });

  test('a broken item is given as such, with the place; the others are read', async () => {
    const rows = values(await all(jsonList(source('[{"a": 1}, {"a": 2 "b": 3}, {"a": 4}]'), 'none')));
    expect([rows[0], rows[2]]).toEqual([{ a: 1 }, { a: 4 }]);
    expect(rows[1]).toMatch(/bytes 10 to 26: found .* between " \{\\"a\\": 2 " and "\\"b\\": 3\}"/);
  });

  test('without an end, and items without one', async () => {
    await expect(all(jsonList(source('[1, 2'), 'none'))).rejects.toThrow('a list without an end');
    await expect(all(jsonList(source(`["${'x'.repeat(200)}`), 'none', 0, 100))).rejects.toThrow(
      MalformedError,
    );
  });
});

describe('CSV', () => {
  const text = '\ufefftext,label,"a ""name"""\r\n"one, ""two""\r\nthree",1,\r\n\r\nplain,0,"x"\n"",,é';

  test('quotes, line breaks in quotes, a byte order mark, blank lines', async () => {
    const name = 'a "name"';
    expect(values(await all(csvRows(source(text), 'none', ',')))).toEqual([
      { text: 'one, "two"\r\nthree', label: '1', [name]: '' },
      { text: 'plain', label: '0', [name]: 'x' },
      { text: '', label: '', [name]: 'é' },
    ]);
    await expectResumable((start) => csvRows(source(text), 'none', ',', start));
  });

  test('tabs between fields', async () => {
    expect(values(await all(csvRows(source('a\tb\n1,2\t3'), 'none', '\t')))).toEqual([{ a: '1,2', b: '3' }]);
  });

  test('rows of another width or with wrong quotes are broken; a quote without an end is an error', async () => {
    const rows = values(await all(csvRows(source('a,b\n1,2\n1,2,3\n"x"y",2"\n3,4'), 'none', ',')));
    expect(rows[0]).toEqual({ a: '1', b: '2' });
    expect(rows[1]).toMatch(/found 3 fields; expected 2 fields/);
    expect(rows[2]).toMatch(/found quotes that do not stand around a field/);
    expect(rows[3]).toEqual({ a: '3', b: '4' });
    await expect(all(csvRows(source('a,b\n"1,2\n3,4'), 'none', ','))).rejects.toThrow('never closed');
  });
});

describe('lines of JSON', () => {
  test('a broken line is shown where it breaks', async () => {
    const line = `{"text": "${'x'.repeat(100)}", "n": tru}`;
    const rows = values(await all(jsonLines(source(`\ufeff{"a":1}\n${line}\n{"a":2}`), 'none')));
    expect([rows[0], rows[2]]).toEqual([{ a: 1 }, { a: 2 }]);
    expect(rows[1]).toMatch(/n\\": tru\}/);
  });
});
