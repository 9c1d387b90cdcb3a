import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../../runner/commands/import.ts';
import { MalformedError } from '../../../runner/errors.ts';
import { measureOf } from '../../../runner/report/measures.ts';
import { record } from '../../../runner/report/schema.ts';
import { curvesOf, fixtures, folder, folderForEachTest, imported, records, written } from './import-files.ts';

folderForEachTest();

describe('the verb', () => {
  it('writes one record, and adds to it what is imported later', async () => {
    const file = (name: string): string => join(fixtures, 'saebench', `${name}.json`);
    expect(await run([file('core'), file('tpp'), '--content', folder])).toBe(0);
    expect(await run([file('autointerp'), '--content', folder])).toBe(0);
    const [name, ...rest] = await readdir(join(folder, 'imported'));
    expect(rest).toEqual([]);
    const found = record.parse(JSON.parse(await readFile(join(folder, 'imported', name!), 'utf8')));
    expect(measureOf(found, 'autointerp@saebench')?.value).toBe(0.83);
    expect(found.metrics['l0@v1']?.value).toBe(19.75);
    expect(curvesOf(found, 'tpp').tpp!.points).toHaveLength(6);
  });

  it('loses nothing of imports at the same time, and names an earlier record that is cut off', async () => {
    const file = (name: string): string => join(fixtures, 'saebench', `${name}.json`);
    const names = ['core', 'tpp', 'autointerp'];
    await Promise.all(names.map((each) => run([file(each), '--content', folder])));
    const [name, ...rest] = await readdir(join(folder, 'imported'));
    expect(rest).toEqual([]);
    const path = join(folder, 'imported', name!);
    const text = await readFile(path, 'utf8');
    const found = record.parse(JSON.parse(text));
    expect(measureOf(found, 'autointerp@saebench')?.value).toBe(0.83);
    expect(found.metrics['l0@v1']?.value).toBe(19.75);
    expect(curvesOf(found, 'tpp').tpp!.points).toHaveLength(6);

    await writeFile(path, text.slice(0, 1_000));
    await expect(run([file('core'), '--content', folder])).rejects.toThrow(MalformedError);
    expect(await readFile(path, 'utf8')).toBe(text.slice(0, 1_000));
    expect(await readdir(join(folder, 'imported'))).toEqual([name]);
  });

  it('imports what it understands, lists the rest, and says so by its exit code', async () => {
    const bad = await written('bad.json', '{}');
    const open = await written('open.json', {
      eval_type_id: 'core',
      eval_config: {},
      eval_result_metrics: {},
    });
    const { code, errors } = await imported([bad, join(fixtures, 'saebench/core.json'), open]);
    expect(code).toBe(3);
    expect(errors).toEqual([
      expect.stringContaining('bad.json: found JSON of another kind'),
      expect.stringMatching(/open.json: found nothing about its SAE’s/),
      '2 of 3 files were not imported',
    ]);
    expect(await records()).toHaveLength(1);
    await expect(run([bad, '--content', folder])).rejects.toThrow(MalformedError);
  });

  it('lists a folder without result files among others, and imports those', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const { code, errors } = await imported([empty, join(fixtures, 'saebench/core.json')]);
    expect(code).toBe(2);
    expect(errors).toEqual([
      expect.stringContaining('empty: found a folder without .json files'),
      '1 of 2 files were not imported',
    ]);
    expect(await records()).toHaveLength(1);
    await expect(run([empty, '--content', folder])).rejects.toThrow('a folder without .json files');
  });

  it('ends in one line, with nothing written, where an earlier record is broken', async () => {
    await mkdir(join(folder, 'imported'));
    await writeFile(join(folder, 'imported', 'half.json'), '{"schema": "interp');
    await expect(run([join(fixtures, 'saebench/core.json'), '--content', folder])).rejects.toThrow(
      /half.json: found/,
    );
    expect(await readdir(join(folder, 'imported'))).toEqual(['half.json']);
  });
});
