/** Controls on the embedded model: each must land where theory puts it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoModelFolder, demoRow } from '../../../runner/demo/index.ts';
import {
  type ControlOptions,
  type ControlsMeasured,
  controlPass,
  firstControlled,
} from '../../../runner/evaluation/control-pass.ts';
import { controlsPart } from '../../../runner/evaluation/controls.ts';
import { observe } from '../../../runner/evaluation/observation.ts';
import { type HookMeasured, observeTokens } from '../../../runner/evaluation/token-pass.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { random } from '../../../runner/math/random.ts';
import { interval, unmeasured } from '../../../runner/metrics/statistic.ts';
import { type Controls, recordObject } from '../../../runner/report/schema.ts';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import { topKSae } from '../../../runner/sae/sae.ts';
import { denseProbingSuite } from '../../../runner/suites/interpscore/dense-probing.ts';
import { shuffledLabels } from '../../../runner/suites/interpscore/suite.ts';
import type { ControlledValue } from '../../../runner/suites/suite.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';
import { controlRows } from '../../../site/lib/controls.ts';
import { probeTask } from '../suites/tasks.ts';

const ROWS = 20;
const TOKENS = 64;
const silent = { progress: () => undefined, note: () => undefined, stopRequested: () => false };
const none = unmeasured('not part of this test');

let model: LanguageModel;
let sae: OpenSae;
let measured: HookMeasured[];
let controls: ControlsMeasured[];
let part: Controls;
let batches: TokenBatch[];

/** The record's part of controls made with these options. */
async function partWith(options: Partial<ControlOptions>): Promise<Controls> {
  const hooks = [{ ...model.hooks[0]!, d: model.dModel, saes: [sae] }];
  const pass = controlPass(hooks, batches, {
    tokens: 8 * TOKENS,
    seed: 0,
    hashes: [['a'.repeat(64)]],
    ...options,
  })!;
  const packed = observeTokens(hooks, batches, pass.observer);
  await observe(model, [packed], async () => ({ reporter: silent }));
  measured = packed.result();
  controls = pass.measured();
  await pass.close();
  const probing: ControlledValue = {
    id: 'probe_auc_dense@interpscore-0.0.1',
    value: none,
    controls: [
      { control: 'shuffled_labels', statistic: none, shown: true },
      { control: 'residual_probe', statistic: none, shown: true },
      { control: 'chance', statistic: none, shown: false },
    ],
    ends: { floor: 'chance', ceiling: 'residual_probe' },
  };
  return controlsPart(measured[0]!, 0, controls[0]!, [probing], { resamples: 200, seed: 0 });
}

/** Not a good SAE, only one whose latents differ. */
async function saeOf(d: number): Promise<OpenSae> {
  const stream = random('control test');
  const d_sae = 256;
  const W_dec = Float32Array.from({ length: d_sae * d }, () => stream.gaussian() / Math.sqrt(d));
  const W_enc = new Float32Array(d_sae * d);
  for (let j = 0; j < d_sae; j++) for (let i = 0; i < d; i++) W_enc[i * d_sae + j] = W_dec[j * d + i]!;
  return openSae(
    topKSae({
      d_in: d,
      d_sae,
      k: 16,
      W_enc,
      W_dec,
      b_enc: new Float32Array(d_sae),
      b_dec: new Float32Array(d),
    }),
  );
}

beforeAll(async () => {
  const checkpoint = await openCheckpoint(demoModelFolder);
  model = await openLanguageModel(checkpoint, { hooks: [2], maxTokens: TOKENS });
  sae = await saeOf(model.dModel);
  const tokenizer = await loadTokenizer(demoModelFolder);
  const ids: number[] = [];
  for (let row = 0; ids.length < ROWS * TOKENS; row++) {
    const { text } = demoRow('prose', 5, row) as { text: string };
    ids.push(...tokenizer.encode(text, { specialTokens: false }));
  }
  batches = Array.from({ length: ROWS / 4 }, (_, i): TokenBatch => {
    const from = i * 4 * TOKENS;
    return {
      ids: Int32Array.from(ids.slice(from, from + 4 * TOKENS)),
      rows: 4,
      tokens: TOKENS,
      documents: Int32Array.of(2 * i, 2 * i, 2 * i + 1, 2 * i + 1),
    };
  });
  part = await partWith({});
}, 600_000);

afterAll(async () => {
  await sae?.close();
  await model?.close();
});

function value(control: string, id: string): number {
  const found = part.values.find((each) => each.control === control && each.id === id)?.measure.value;
  if (found == null) throw new Error(`no ${id} of ${control}`);
  return found;
}

const VAR_EXP = 'var_exp@pooled-v1';
const LOSS = 'loss_recovered@interpscore-0.0.1';
const ALIVE = 'alive@v1';
const L0_SCORE = 'l0_score@interpscore-0.0.1';

describe('controls of a hook', () => {
  it('are measured on the last rows, fitted to those before', () => {
    expect(part).toMatchObject({ rows: 8, blocks: 4, tokens: 8 * TOKENS, fit_tokens: 12 * TOKENS });
    expect(measured[0]!.documents).toEqual(Array.from({ length: ROWS }, (_, row) => Math.floor(row / 2)));
    expect(controls[0]!.controls.map(({ name, k }) => [name, k])).toEqual([
      ['identity', null],
      ['pca', 16],
      ['untrained', 16],
      ['permuted_decoder', 16],
    ]);
  });

  it('identity: variance explained and loss recovered are 1, by the same road as any SAE', () => {
    expect(value('identity', VAR_EXP)).toBe(1);
    expect(value('identity', LOSS)).toBe(1);
    const clean = measured[0]!.losses![0]!.clean.slice(controls[0]!.firstRow);
    expect(controls[0]!.losses[0]).toEqual(clean);
  });

  it('principal components explain more than an untrained SAE, a permuted decoder less than nothing', () => {
    expect(value('pca', VAR_EXP)).toBeGreaterThan(0.3);
    expect(value('pca', VAR_EXP)).toBeLessThan(1);
    expect(value('untrained', VAR_EXP)).toBeLessThan(value('pca', VAR_EXP));
    expect(value('permuted_decoder', VAR_EXP)).toBeLessThan(0);
  });

  it('an untrained SAE says what components are worth before anything is learned', () => {
    const firing = controls[0]!.tables.saes[2]!.firing!;
    const [k, latents] = [16, 256];
    expect(firing.firings.reduce((sum, each) => sum + each, 0)).toBe(k * 8 * TOKENS);
    const alive = part.values.find((each) => each.control === 'untrained' && each.id === ALIVE)!.measure;
    expect(alive).toMatchObject({ window_tokens: 8 * TOKENS });
    expect(alive.value).toBe(firing.firings.filter((each) => each > 0).length / latents);
    expect(value('untrained', L0_SCORE)).toBeCloseTo(k / 80, 12);
    // The others' latents are not counted: they have none, or are the SAE's own.
    expect(part.values.filter(({ id }) => id === ALIVE)).toHaveLength(1);
    expect(controls[0]!.tables.saes.map((each) => each.firing === null)).toEqual([true, true, false, true]);
  });

  it('skill is 0 at the floor and 1 at the ceiling', () => {
    const skill = part.skills.find(({ id }) => id === VAR_EXP)!;
    expect(skill.floor).toEqual({ control: 'untrained', value: value('untrained', VAR_EXP) });
    expect(skill.ceiling).toEqual({ control: 'identity', value: 1 });
    const { floor, ceiling } = skill;
    const own = skill.value.value!;
    expect(skill.skill.value).toBeCloseTo((own - floor.value!) / (ceiling.value! - floor.value!), 12);
  });

  it('say why an untrained SAE was not made, and leave its skill unmeasured for that reason', async () => {
    const without = await partWith({ untrainedLimit: 100 });
    const reason = 'an untrained SAE of 256 latents × 128 is above the limit of 100 weights';
    expect(without.values.filter(({ control }) => control === 'untrained')).toEqual(
      [VAR_EXP, LOSS, ALIVE, L0_SCORE, 'probe_auc_dense@interpscore-0.0.1'].map((id) => ({
        control: 'untrained',
        id,
        measure: { value: null, reason },
      })),
    );
    const skill = without.skills.find(({ id }) => id === VAR_EXP)!;
    expect(skill).toMatchObject({ floor: { value: null }, skill: { value: null, reason } });
    expect(skill.value.value).not.toBeNull();
    const all = recordObject.shape.controls.parse(without)!;
    expect(controlRows(all).find(({ title }) => title === 'Untrained SAE')?.note).toBe(reason);
    expect(without.values.find(({ control }) => control === 'pca')?.measure.value).toBe(
      value('pca', VAR_EXP),
    );
  });

  it('are not made of a single batch, which could not be fitted on and controlled', () => {
    const batch: TokenBatch = { ids: new Int32Array(TOKENS), rows: 1, tokens: TOKENS };
    const made = (of: TokenBatch[]) =>
      controlPass([{ ...model.hooks[0]!, d: model.dModel, saes: [sae] }], of, {
        tokens: 10,
        seed: 0,
        hashes: [['']],
      });
    expect(made([batch])).toBeNull();
    // A batch of more tokens than asked for is controlled whole.
    expect(made([batch, batch])).not.toBeNull();
  });

  it('take the last batches that hold 32 documents, at most half of them', () => {
    const of = (count: number, documentOf?: (row: number) => number): TokenBatch[] =>
      Array.from({ length: count }, (_, i) => ({
        ids: new Int32Array(2 * 1_024),
        rows: 2,
        tokens: 1_024,
        ...(documentOf && { documents: Int32Array.of(documentOf(2 * i), documentOf(2 * i + 1)) }),
      }));
    expect(firstControlled(of(64), 8_192)).toBe(64 - 16);
    expect(
      firstControlled(
        of(64, (row) => Math.floor(row / 2)),
        8_192,
      ),
    ).toBe(64 - 32);
    expect(firstControlled(of(100), 80_000)).toBe(100 - 40);
    expect(firstControlled(of(9), 8_192)).toBe(5);
  });
});

describe('a probe on shuffled labels', () => {
  it('has an AUROC whose interval covers chance, where the true labels score far above it', () => {
    const task = probeTask({ rows: 600, columns: 60, shift: 2 });
    const found = shuffledLabels([task], { resamples: 400 }, 0);
    if (found.value === null) throw new Error(found.reason);
    const shuffled = interval(found)!;
    expect(shuffled.low).toBeLessThan(0.5);
    expect(shuffled.high).toBeGreaterThan(0.5);
    const truth = denseProbingSuite([task], { resamples: 400 }).statistics[
      'probe_auc_dense@interpscore-0.0.1'
    ];
    expect(truth.value).toBeGreaterThan(0.9);
  });
});
