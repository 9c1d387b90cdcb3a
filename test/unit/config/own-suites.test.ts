import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSuites } from '../../../runner/config/own-suites.ts';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { record } from '../../../runner/report/schema.ts';
import { compareRecords } from '../../../site/lib/comparison.ts';
import { definitionsOf } from '../../../site/lib/definitions.ts';
import { fixture } from '../site/fixtures.ts';

const example = fileURLToPath(new URL('../../../docs/examples/single-latent.ts', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'own-suites-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

describe('a suite from a file', () => {
  it('has a declaration, settings of its own, and a version that is the file’s hash', async () => {
    const [{ suite, file, sha256 }] = (await loadSuites([example])) as [
      Awaited<ReturnType<typeof loadSuites>>[number],
    ];
    expect(file).toBe('single-latent.ts');
    expect(suite.version).toBe(sha256);
    expect(suite.declaration).toMatchObject({
      id: 'single-latent',
      definitions: { 'single_latent_auc@v1': { group: 'Single latents' } },
    });
    const suites = await loadSuites([example]);
    const config = await resolveRun([], { suites });
    expect(config.suites['single-latent']).toEqual({ texts: 200 });
    expect(config.evaluation.ownSuites).toEqual([{ id: 'single-latent', file, sha256 }]);
    const set = ['suites.single-latent.texts=5'];
    await expect(resolveRun([], { suites, set })).rejects.toThrow(
      /setting suites.single-latent.texts: found 5; expected at least /,
    );
    await expect(resolveRun([], { set: ['suites.single-latent.texts=50'] })).rejects.toThrow(
      /setting suites.single-latent: found no such suite/,
    );
    // Settings that a record carries name the suite; without its file they cannot be run again.
    const config_ = await written('config.json', JSON.stringify(config));
    await expect(resolveRun([], { config: config_ })).rejects.toThrow(
      /suite single-latent: found settings that name it, and no file; expected its file single-latent.ts/,
    );
  });

  it.each([
    ['nothing.ts', null, UserError, /no such file/],
    ['relative.ts', "import x from './other.ts';\nexport default x;", UserError, /an import of .\/other.ts/],
    ['none.ts', 'export const a = 1;', MalformedError, /no default export/],
    ['object.ts', 'export default {};', MalformedError, /a default export that is object/],
    ['syntax.ts', 'export default (', UserError, /cannot be loaded/],
    ['node_modules/a.ts', 'export default () => {};', UserError, /inside node_modules.*Copy it/],
    ['throws.ts', "export default () => {\n  throw new Error('no');\n};", UserError, /is made: no \(line 2/],
    [
      'empty.ts',
      "export default () => ({ id: 'a', title: 'A', about: '', definitions: {}, views: [] });",
      MalformedError,
      /empty.ts, views: found Too small/,
    ],
  ] as const)('%s is refused in one line', async (name, text, kind, message) => {
    const path = text === null ? join(folder, name) : await written(name, text);
    const error = await loadSuites([path]).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
  });

  it('cannot take the name of another suite or definition', async () => {
    const text = await readFile(example, 'utf8');
    const ours = await written('ours.ts', text.replaceAll("'single-latent'", "'k-sparse'"));
    await expect(loadSuites([ours])).rejects.toThrow(/the name k-sparse, which another suite has/);
    const alive = await written('alive.ts', text.replaceAll('single_latent_auc@v1', 'alive@v1'));
    await expect(loadSuites([alive])).rejects.toThrow(/the name alive@v1/);
    await expect(loadSuites([example, example])).rejects.toThrow(/the name single-latent/);
  });
});

describe('a record with the part of such a suite', () => {
  const auc = { value: 0.8, interval: { low: 0.7, high: 0.9 } };

  async function recordWith(part: object, declared = true) {
    const [{ suite, file, sha256 }] = (await loadSuites([example])) as [
      Awaited<ReturnType<typeof loadSuites>>[number],
    ];
    const base = fixture('small-world-l4');
    return {
      ...base,
      suites: { ...base.suites, 'single-latent': part },
      ...(declared && { declared: [{ ...suite.declaration, file, sha256 }] }),
    };
  }

  it('carries its definitions and views, so that it is shown without the file', async () => {
    const part = {
      measures: { 'single_latent_auc@v1': auc },
      tables: { tasks: [{ name: 'sentiment', cells: { latent: 17, auc } }] },
    };
    const found = record.parse(await recordWith(part));
    expect(definitionsOf(found)('single_latent_auc@v1').title).toBe('AUROC of the best single latent');
    const section = compareRecords([found, fixture('small-world-l0')]).find(
      ({ title }) => title === 'Single latents',
    );
    expect(section?.rows.map(({ label, cells }) => [label, cells[0]?.text])).toEqual([
      ['AUROC of the best single latent', '0.800'],
      ['AUROC: sentiment', '0.800'],
    ]);
  });

  it.each([
    [
      'a measure it does not declare',
      { measures: { 'other@v1': auc } },
      'suites.single-latent.measures.other@v1',
    ],
    [
      'a value outside its range',
      { measures: { 'single_latent_auc@v1': { ...auc, value: 1.2 } } },
      'suites.single-latent.measures.single_latent_auc@v1.value',
    ],
    ['a table it does not declare', { tables: { rows: [] } }, 'suites.single-latent.tables.rows'],
  ])('is refused with %s', async (_what, part, path) => {
    const { error } = record.safeParse(await recordWith(part));
    expect(error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
  });

  it('is refused without the declaration', async () => {
    const { error } = record.safeParse(await recordWith({}, false));
    expect(error?.issues[0]?.message).toMatch(/that the record declares/);
  });
});
