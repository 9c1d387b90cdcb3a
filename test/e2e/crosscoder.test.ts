/** Crosscoders evaluated by the program as a user starts it: of two models, and from the hub of several hooks of one. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import replication from '../fixtures/crosscoder/replication/golden.json' with { type: 'json' };
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { exchangedModel } from '../unit/evaluation/crosscoder-models.ts';
import { LITTLE_TEXT, type Outcome, readRecords, runProgram, settingWords } from './program.ts';

const fixtures = fileURLToPath(new URL('../fixtures/crosscoder', import.meta.url));

let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-crosscoder-'));
  hub = await startStandIn();
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

function program(...args: string[]): Promise<Outcome> {
  return runProgram(args, { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'home'), HF_TOKEN: '' });
}

it('a crosscoder has a run, a record and a page of its own, and is made again', async () => {
  const at = ['runs', 'content', 'dist'].map((each) => join(folder, 'coding', each));
  const [runs, content, out] = at as [string, string, string];
  const exchanged = await exchangedModel(join(folder, 'exchanged'));
  const little = settingWords(LITTLE_TEXT);
  const words = (name: string) => [
    'small-world-quick',
    `--name=${name}`,
    `--runs=${runs}`,
    `--content=${content}`,
    ...little,
  ];
  const two = `--sae=${join(fixtures, 'replication')}#normScales=${replication.scales.join('+')}`;
  const alone = await program('eval', ...words('pair'), two, '--no-site');
  expect([alone.code, alone.err]).toEqual([2, expect.stringMatching(/no second model.*--other-model/)]);
  const idle = await program('eval', ...words('pair'), `--other-model=${exchanged}`, '--no-site');
  expect([idle.code, idle.err]).toEqual([2, expect.stringContaining('--other-model needs --sae')]);
  const pair = await program('eval', ...words('pair'), two, `--other-model=${exchanged}`, '--no-site');
  expect({ code: pair.code, err: pair.err }).toEqual({ code: 0, err: '' });

  const names = ['config.json', 'model.safetensors'];
  const contents = names.map(
    async (name) => [name, { text: await readFile(join(fixtures, 'layers', name)) }] as const,
  );
  const commit = hub.put('lab/layers', Object.fromEntries(await Promise.all(contents)));
  const several = '--sae=lab/layers#hooks=resid_post:1+resid_post:2+resid_post:4';
  const outcome = await program('eval', ...words('hooks'), several, `--out=${out}`);
  expect({ code: outcome.code, err: outcome.err }).toEqual({ code: 0, err: '' });
  expect(outcome.out).toContain('loss rec. (places)');

  const [ofTwo] = await readRecords(join(content, 'measured', 'pair'));
  const [ofHooks, ...others] = await readRecords(join(content, 'measured', 'hooks'));
  expect(others).toEqual([]);
  const models = (record: typeof ofTwo) => record!.sae.places!.map(({ model }) => model);
  expect(models(ofTwo)).toEqual(['interpboard/small-world', 'exchanged']);
  expect(ofTwo!.sae.other_model).toMatchObject({
    id: 'exchanged',
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(models(ofHooks)).toEqual(Array(3).fill('interpboard/small-world'));
  expect(ofHooks!.sae).toMatchObject({ repo: 'lab/layers', layer: 4, source: { revision: commit } });
  expect(ofHooks!.sae.other_model).toBeUndefined();
  expect(JSON.stringify([ofTwo, ofHooks])).not.toContain(folder);

  const page = (id: string) => readFile(join(out, 'sae', id, 'index.html'), 'utf8');
  const shown = await page(ofTwo!.id);
  for (const text of [
    'Places of the crosscoder',
    'of two models',
    'Relative length of the decoders',
    'exchanged',
  ])
    expect(shown).toContain(text);
  expect(shown).not.toContain('This record gives no losses');
  const layers = await page(ofHooks!.id);
  expect(layers).toContain('Layers 1, 2, 4 of');
  expect(layers).toContain('from dictionary_learning import BatchTopKCrossCoder');
  expect(layers).not.toContain('Relative length of the decoders');

  const path = join(content, 'measured', 'pair', `${ofTwo!.id}.json`);
  expect((await program('validate', path)).out).toContain('1 record in 1 file, all well');
  const again = await program('verify', path, two, `--other-model=${exchanged}`);
  expect(again.out).toMatch(
    /(\d+) numbers made again, \1 the same, 0 within their intervals, 0 moved beyond/,
  );
  const plan = await program('plan', 'small-world-quick', two, `--other-model=${exchanged}`);
  expect(plan.out).toMatch(/^and {8}.*exchanged\n(?:.*\n)*?evaluation /m);
  const unnamed = await program(
    'export',
    join(runs, 'hooks'),
    '--format=saebench',
    `--to=${join(folder, 'bench')}`,
  );
  expect([unnamed.code, unnamed.err]).toEqual([2, expect.stringContaining('no value that SAEBench defines')]);
});
