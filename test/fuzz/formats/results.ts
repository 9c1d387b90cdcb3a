/** Result files of others, as `import` reads and merges them, and records, as the report does. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collected } from '../../../runner/exchange/collect.ts';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { layerExport, validationExport } from '../../../runner/report/exports.ts';
import { checkRecord } from '../../../runner/report/run-records.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { type FuzzFormat, pick } from '../format.ts';
import { damagedJson, mutated, parsed } from '../mutate.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const WORDS = [
  'core',
  'tpp',
  'scr',
  'RAVEL',
  'uncategorized',
  'standard',
  'topk',
  'custom_sae',
  'per_layer',
  'components',
  'blocks.3.hook_mlp_out',
];

async function siteRecords(): Promise<EvaluationRecord[]> {
  const folder = join(fixtures, 'site/records');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Promise.all(
    names.map(async (name) => checkRecord(JSON.parse(await readFile(join(folder, name), 'utf8')), name)),
  );
}

export const results: FuzzFormat = {
  name: 'results',
  async prepare(folder) {
    const saebench = join(fixtures, 'exchange/saebench');
    const files: unknown[] = await Promise.all(
      (await readdir(saebench)).map(async (name) =>
        JSON.parse((await readFile(join(saebench, name), 'utf8')).replaceAll('NaN', 'null')),
      ),
    );
    const [first] = await siteRecords();
    files.push(
      layerExport(first!),
      validationExport([{ id: 'L2', record: first! }]),
      { model: 'm', sae_repo: 'a/b', per_layer: { 2: layerExport(first!) } },
      JSON.parse(await readFile(join(fixtures, 'exchange/dictionary-learning/eval_results.json'), 'utf8')),
    );
    const known = { model: 'm', layer: 2, latents: 64, architecture: 'topk', name: 'n' } as const;
    return async (stream) => {
      const paths = ['a.json', 'b.json'].map((name) => join(folder, name));
      const original = pick(stream, files);
      for (const path of paths) {
        const whole = stream.integer(3) === 0;
        const text = JSON.stringify(whole ? original : damagedJson(original, stream, WORDS));
        await writeFile(path, !whole && stream.integer(8) === 0 ? mutated(Buffer.from(text), stream) : text);
      }
      const read = await Promise.all(
        paths.map(async (path) => ({
          path,
          records: await importFile(path, stream.integer(2) === 0 ? {} : known),
        })),
      );
      let refusal: unknown;
      collected(read, [], (_path, error) => {
        refusal = error;
      });
      if (refusal !== undefined) throw refusal;
    };
  },
};

export const recordJson: FuzzFormat = {
  name: 'record',
  async prepare() {
    const originals = await siteRecords();
    return async (stream) => {
      checkRecord(parsed(damagedJson(pick(stream, originals), stream)), 'a record');
    };
  },
};
