/** Crosscoders in a run: what their records hold, what they take of memory, and which models and places they are refused. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { otherSaes } from '../../../../runner/commands/plan-saes.ts';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { suitesOf } from '../../../../runner/config/run-config.ts';
import { demoModelFolder } from '../../../../runner/demo/model-folder.ts';
import { formatBytes } from '../../../../runner/io/bytes.ts';
import { hashFile } from '../../../../runner/io/hash.ts';
import { crosscoderNeeds } from '../../../../runner/job/evaluation/crosscoder-memory.ts';
import { crosscoderStage } from '../../../../runner/job/evaluation/crosscoder-stage.ts';
import { planOf } from '../../../../runner/job/run/plan.ts';
import { checkAlone } from '../../../../runner/job/shared/cross-layer-transcoder.ts';
import { checkOther, checkSameTokens } from '../../../../runner/job/shared/crosscoder.ts';
import { type ModelShape, modelShape } from '../../../../runner/job/shared/model-place.ts';
import { describePublished } from '../../../../runner/job/shared/published-saes.ts';
import { openCheckpoint } from '../../../../runner/lm/checkpoint.ts';
import { Stopped, silent, stageReporter } from '../../../../runner/reporter.ts';
import { detectAdapter } from '../../../../runner/sae/checkpoints/detect.ts';
import replication from '../../../fixtures/crosscoder/replication/golden.json' with { type: 'json' };
import { exchangedModel } from '../../evaluation/crosscoder-models.ts';
import { located } from '../../evaluation/inside-block.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/crosscoder/', import.meta.url));
const two = `${join(fixtures, 'replication')}#normScales=${replication.scales.join('+')}`;
const several = `${join(fixtures, 'layers')}#hooks=resid_post:1+resid_post:2+resid_post:4`;
const set = ['evaluation.tokens=512', 'evaluation.resamples=20', 'threads=1'];
const own = { folder: demoModelFolder, revision: null };
const reporter = () => stageReporter('test', 'tokens', silent);
let folder: string;
let other: { folder: string; revision: null; id: string; sha256: string };
let shape: ModelShape;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosscoder-job-'));
  other = {
    folder: await exchangedModel(join(folder, 'exchanged')),
    revision: null,
    id: 'exchanged',
    sha256: 'x',
  };
  shape = await modelShape(own);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const hash = (paths: readonly string[]) => Promise.all(paths.map(hashFile));

async function described(name: string, second: ModelShape | null = null) {
  const [found] = await describePublished(await located([name]), shape, hash, second);
  return found!;
}

async function stageOf(name: string, memory = 2 ** 32, set_: readonly string[] = set, stopping = silent) {
  const second = name === two ? other : null;
  const config = await resolveRun(['small-world-quick'], { set: [...set_] });
  const { place, places } = await described(name, second && shape);
  const open = async () => (await detectAdapter(place.path)).crosscoder!(place.path, place.options);
  const suites = suitesOf(config);
  const names = places!.map(({ model, hook }) => `${model} ${hook.layer}`);
  const run = {
    config,
    model: own,
    other: second,
    open,
    places: places!,
    names,
    scratch: folder,
    memory,
    suites,
  };
  return crosscoderStage(
    run,
    stopping === silent ? reporter : () => stageReporter('test', 'tokens', stopping),
  );
}

async function plannedOf(name: string, memory = 2 ** 32) {
  const checkpoint = await openCheckpoint(own.folder);
  const config = await resolveRun(['small-world-quick'], { sae: [name], set: [...set] });
  const asked = name === two ? { ...config, evaluation: { ...config.evaluation, otherModel: 'x' } } : config;
  const others = await otherSaes(asked, shape, name === two ? shape : null);
  return planOf(config, suitesOf(config), checkpoint, memory, { others }).stages.at(-1)!;
}

it('of two models says how each place is reconstructed, and of which place its latents are', async () => {
  const { evaluated, sae, exclusions, tokens } = await stageOf(two);
  expect(sae).toEqual({ architecture: 'relu', d_in: 128, d_sae: 24, k: null });
  const { measures, tables } = evaluated.suites.crosscoder!;
  const share = (id: string) => measures![id]!.value;
  expect(['latents_first_only@v1', 'latents_shared@v1', 'latents_second_only@v1'].map(share)).toEqual([
    2 / 24,
    20 / 24,
    2 / 24,
  ]);
  expect(tables!.places!.map(({ name }) => name)).toEqual(['0 2', '1 2']);
  expect(tables!.latents!.map(({ cells }) => cells.latents)).toEqual([2, 20, 2, 0, 0]);
  // Of the same two latents the decoders at the other place are 0.
  expect(tables!.latents!.map(({ cells }) => cells.cosine)).toEqual([
    null,
    expect.closeTo(0.974, 2),
    null,
    null,
    null,
  ]);
  const recovered = tables!.places!.map(({ cells }) => (cells.loss_recovered as { value: number }).value);
  expect(share('loss_recovered_places@v1')).toBeCloseTo((recovered[0]! + recovered[1]!) / 2, 9);
  expect(recovered[0]).not.toBeCloseTo(recovered[1]!, 3);
  const { relative_norm, cosine } = evaluated.curves.decoders!;
  const total = (counts: readonly number[]) => counts.reduce((sum, each) => sum + each, 0);
  expect([total(relative_norm.counts), total(cosine.counts)]).toEqual([24, 20]);
  expect([relative_norm.counts[0], relative_norm.counts.at(-1)]).toEqual([2, 2]);
  expect([relative_norm.edges[0], relative_norm.edges.at(-1), cosine.edges[0]]).toEqual([0, 1, -1]);
  expect(Object.keys(evaluated.paired!.draws)).toContain('loss_recovered_places@v1');
  expect(exclusions.map(({ suite }) => suite)).toEqual(
    expect.arrayContaining(['core', 'k-sparse', 'controls']),
  );
  expect(tokens).toBe(512);
});

it('of several hooks of one model has no two places to compare', async () => {
  const { evaluated, sae } = await stageOf(several);
  expect(sae).toEqual({ architecture: 'batchtopk', d_in: 128, d_sae: 24, k: 6 });
  const { measures, tables } = evaluated.suites.crosscoder!;
  expect(Object.keys(measures!)).toEqual(['loss_recovered_places@v1']);
  expect(Object.keys(tables!)).toEqual(['places']);
  expect(tables!.places!.map(({ cells }) => cells.longest)).toEqual([14, 8, 2]);
  expect(evaluated.curves.decoders).toBeUndefined();
});

it('stopped says what is kept', async () => {
  let asked = 0;
  const stopping = { ...silent, stopRequested: () => asked++ > 8 };
  await expect(stageOf(several, 2 ** 32, set, stopping)).rejects.toMatchObject({
    constructor: Stopped,
    message: expect.stringContaining('measures anew'),
  });
});

it('takes the memory that its plan says, half of the run’s for each of two models', async () => {
  const config = await resolveRun(['small-world-quick'], { set: [...set] });
  const needs = (models: number) =>
    crosscoderNeeds(config, { d_in: 256, d_sae: 24, k: null }, models, ['cpu']);
  expect([needs(2).saes * 2, needs(2).host! * 2]).toEqual([needs(1).saes, needs(1).host]);
  expect(needs(1).saes).toBe(4 * 2 * 256 * 24);
  const alone = await plannedOf(several);
  expect(alone.tokens).toBe(512);
  const ofTwo = await plannedOf(two);
  for (const [name, models, working] of [
    [several, 1, alone.memory.working],
    [two, 2, ofTwo.memory.working],
  ] as const) {
    const short = models * (working - 100_000);
    const refused = `more than ${formatBytes(working)}`;
    await expect(plannedOf(name, short)).rejects.toThrow(refused);
    await expect(stageOf(name, short)).rejects.toThrow(refused);
  }
});

it('measures the same with its models loaded by segments', async () => {
  const { working, weights } = (await plannedOf(two)).memory;
  const [whole, inTurn] = [await stageOf(two), await stageOf(two, 2 * (working + Math.floor(0.9 * weights)))];
  expect([whole.model.resident, inTurn.model.resident]).toEqual([true, false]);
  const { suites } = inTurn.evaluated;
  expect(suites.crosscoder!.tables!.places![1]!.cells.loss_sae).toEqual(
    whole.evaluated.suites.crosscoder!.tables!.places![1]!.cells.loss_sae,
  );
});

it('is one SAE of a run, alone in it, at its last place', async () => {
  const found = await described(several);
  expect(found).toMatchObject({ layer: 4, site: 'resid_post', d_sae: 24, id: 'L4_layers' });
  expect(found.places!.map(({ model, hook }) => [model, hook.layer])).toEqual([
    [0, 1],
    [0, 2],
    [0, 4],
  ]);
  const alone = { train: false, shard: false, from: [] };
  checkAlone([found], alone);
  expect(() => checkAlone([found], { ...alone, train: true })).toThrow(
    /crosscoder .*SAEs to train beside it/,
  );
  expect(() => checkAlone([], { ...alone, from: [found] })).toThrow(/--from|training starts from/);
  // A block’s input is the stream behind the block before.
  expect((await described(two, shape)).places).toEqual(
    [0, 1].map((model) => ({ model, hook: { layer: 2, site: 'resid_post' } })),
  );
});

it('says in one line which model or hook is missing, or one too many', async () => {
  await expect(described(two)).rejects.toThrow(
    /no second model.*--other-model \(its files name "small-world"\)/,
  );
  const layers = join(fixtures, 'layers');
  await expect(described(layers)).rejects.toThrow(/nothing that says its hook/);
  await expect(described(`${layers}#hook=resid_post:2`)).rejects.toThrow(
    /3 places and one hook; expected 3 hooks of one model/,
  );
  await expect(described(`${layers}#hooks=resid_post:1+resid_post:2`)).rejects.toThrow(
    /3 places and 2 hooks/,
  );
  await expect(described(`${layers}#hooks=resid_post:1+resid_post:1+resid_post:2`)).rejects.toThrow(
    /resid_post:1 twice/,
  );
  await expect(described(`${layers}#hooks=resid_post:1+resid_post:2+resid_post:9`)).rejects.toThrow(
    /resid_post:9 of width 128; expected a block below 6/,
  );
  await expect(described(`${layers}#hooks=resid_post:1+resid_post:2+mlp_in:99`)).rejects.toThrow(
    /a block below 6/,
  );
  await expect(described(several, shape)).rejects.toThrow(/--other-model; expected none/);
  await expect(described(`${layers}#hook=mlp_in:1>mlp_out:1`)).rejects.toThrow(/expected one hook/);
  await expect(described(two, { ...shape, widthAt: () => 64 })).rejects.toThrow(
    /width 128; expected.*width 64, as the other language model has/,
  );
  await expect(described(`${join(fixtures, 'trained')}`, shape)).rejects.toThrow(
    /width 12; expected.*width 128, as the language model has/,
  );
  expect(() => checkOther([{}], 'lab/it')).toThrow(/--other-model.*SAEs of one model/);
  checkOther([{}], null);
});

it('refuses models whose tokenizers cut text in different ways', async () => {
  await checkSameTokens(own, other);
  const cut = join(folder, 'cut');
  await cp(demoModelFolder, cut, { recursive: true });
  const path = join(cut, 'tokenizer.json');
  const tokenizer = JSON.parse(await readFile(path, 'utf8'));
  tokenizer.model.merges = tokenizer.model.merges.slice(0, 50);
  await writeFile(path, JSON.stringify(tokenizer));
  await expect(checkSameTokens(own, { ...other, folder: cut })).rejects.toThrow(
    /--other-model "exchanged": found a tokenizer that makes other tokens/,
  );
});
