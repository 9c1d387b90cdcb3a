/** A cross-layer transcoder from the hub, evaluated by the program as a user starts it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { LITTLE_TEXT, type Outcome, readRecords, runProgram, settingWords } from './program.ts';

const clt = fileURLToPath(new URL('../fixtures/clt', import.meta.url));

let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-cross-layer-'));
  hub = await startStandIn();
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

function program(...args: string[]): Promise<Outcome> {
  return runProgram(args, { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'home'), HF_TOKEN: '' });
}

it('a cross-layer transcoder has a run, a record and a page of its own, and is made again', async () => {
  const at = ['runs', 'content', 'dist'].map((each) => join(folder, 'crossing', each));
  const [runs, content, out] = at as [string, string, string];
  const little = settingWords({
    ...LITTLE_TEXT,
    'evaluation.setTrainTexts': '12',
    'evaluation.setTestTexts': '8',
  });
  const words = ['small-world-quick', '--name=crossing', `--runs=${runs}`, `--content=${content}`, ...little];
  const beside = await program('eval', ...words, `--sae=${clt}`, '--train', '--no-site');
  expect([beside.code, beside.err]).toEqual([
    2,
    expect.stringMatching(/cross-layer transcoder .*SAEs to train beside it.*a run of its own/),
  ]);
  const layers = [0, 1, 2, 3, 4, 5];
  const names = [
    'config.yaml',
    ...layers.flatMap((i) => [`W_enc_${i}.safetensors`, `W_dec_${i}.safetensors`]),
  ];
  const contents = names.map(async (name) => [name, { text: await readFile(join(clt, name)) }] as const);
  const commit = hub.put('lab/clt', Object.fromEntries(await Promise.all(contents)));
  const outcome = await program('eval', ...words, '--sae=lab/clt', `--out=${out}`);
  expect({ code: outcome.code, err: outcome.err }).toEqual({ code: 0, err: '' });
  expect(outcome.out).toContain('loss rec. (all MLPs)');
  const [found, ...others] = await readRecords(join(content, 'measured', 'crossing'));
  expect(others).toEqual([]);
  const { id, sae, suites } = found!;
  expect(sae).toMatchObject({ layers: 6, layer: 5, name: 'lab/clt', reads: 'blocks.0.hook_resid_mid' });
  expect(sae).toMatchObject({ repo: 'lab/clt', source: { revision: commit } });
  expect(sae.files.map(({ name }) => name)).toEqual(names);
  expect(Object.keys(suites)).toEqual(['cross-layer']);
  expect(JSON.stringify(found)).not.toContain(folder);
  const page = await readFile(join(out, 'sae', id, 'index.html'), 'utf8');
  for (const text of ['Layers 0–5 of', 'All MLPs replaced', 'Variance explained of the MLP output', 'layer'])
    expect(page).toContain(text);
  expect(page).not.toContain('This record gives no losses');
  expect(page).toContain('from circuit_tracer import ReplacementModel');
  expect(page).toContain('of the variance of the MLP output of every layer');
  const path = join(content, 'measured', 'crossing', `${id}.json`);
  expect((await program('validate', path)).out).toContain('1 record in 1 file, all well');
  const again = await program('verify', path);
  expect(again.out).toMatch(
    /(\d+) numbers made again, \1 the same, 0 within their intervals, 0 moved beyond/,
  );
  const unnamed = await program(
    'export',
    join(runs, 'crossing'),
    '--format=saebench',
    `--to=${join(folder, 'bench')}`,
  );
  expect([unnamed.code, unnamed.err]).toEqual([2, expect.stringContaining('no value that SAEBench defines')]);
});
