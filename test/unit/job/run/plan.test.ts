/** What `plan` says against what a run of the same settings takes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { suitesOf } from '../../../../runner/config/run-config.ts';
import { type Hook, hookLabel, hookOf } from '../../../../runner/hook.ts';
import { evaluationNeeds } from '../../../../runner/job/evaluation/pooled-memory.ts';
import { planOf } from '../../../../runner/job/run/plan.ts';
import { firstActivations } from '../../../../runner/job/run/train-stage.ts';
import { openRunModel } from '../../../../runner/job/shared/language-model.ts';
import { hooksOfPlans, trainedSaes, withWidths } from '../../../../runner/job/shared/planned-saes.ts';
import type { ActivationSource } from '../../../../runner/job/training-data/activations.ts';
import { samplesBefore, trainingNeeds } from '../../../../runner/job/training-data/training-needs.ts';
import { type Checkpoint, openCheckpoint } from '../../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../../runner/lm/families/index.ts';
import { modelFacts } from '../../../../runner/lm/model-facts.ts';
import { numbersOf, partsOf } from '../../../../runner/lm/parts.ts';
import { widthsAt } from '../../../../runner/lm/segments.ts';
import { countOf } from '../../../../runner/onnx/tensors.ts';
import { checkpoints } from '../../../fixtures/lm/checkpoints.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/lm/', import.meta.url));
const ROOMY = 64 * 2 ** 30;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-plan-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settings = async (over: Parameters<typeof resolveRun>[1] = {}) =>
  resolveRun([], {
    layers: '0',
    ...over,
    set: ['sae.dSae=64', 'sae.k=4', 'sae.batchTokens=256', ...(over.set ?? [])],
  });
/** No text but the held-out one. */
const NOTHING_READ = ['evaluation.suites=[]', 'evaluation.controlTokens=0'];
type Config = Awaited<ReturnType<typeof settings>>;

const planned = (config: Config, checkpoint: Checkpoint, memory: number, card: number | null = null) =>
  planOf(config, suitesOf(config), checkpoint, memory, { card });

/** As it would be if its files were in 16 bits: places in them are all that is looked at. */
function inBfloat16(checkpoint: Checkpoint): Checkpoint {
  const tensors = [...checkpoint.tensors].map(([name, place]) => {
    if (place.dtype !== 'F32') return [name, place] as const;
    const end = place.start + (place.end - place.start) / 2;
    return [name, { ...place, dtype: 'BF16' as const, end }] as const;
  });
  return { ...checkpoint, tensors: new Map(tensors) };
}

describe('parameters', () => {
  it.each(checkpoints)('of %s are the numbers in its files, whatever they are computed in', async (name) => {
    const checkpoint = await openCheckpoint(`${fixtures}${name}`);
    const numbers = [...checkpoint.tensors.values()].reduce((sum, { shape }) => sum + countOf(shape), 0);
    const bytes = [...checkpoint.tensors.values()].reduce((sum, { start, end }) => sum + end - start, 0);
    const config = await settings();
    expect(planned(config, checkpoint, ROOMY)).toMatchObject({ parameters: numbers, stored: bytes });
    expect((await modelFacts(checkpoint)).parameters).toBe(numbers);
    for (const precision of ['float32', 'bfloat16'] as const)
      expect(planned({ ...config, precision }, inBfloat16(checkpoint), ROOMY).parameters, precision).toBe(
        numbers,
      );
  });

  it('take the same operations in bfloat16', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}gemma4`);
    const config = await settings();
    const operations = (precision: 'float32' | 'bfloat16') =>
      planned({ ...config, precision }, inBfloat16(checkpoint), ROOMY).stages.map(
        (stage) => stage.operations,
      );
    expect(operations('bfloat16')).toEqual(operations('float32'));
  });
});

describe('work', () => {
  it('of an SAE inside a block is that of the width there', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}gemma3`);
    const width = widthsAt(familyOf(checkpoint), { layer: 0, site: 'attn_z' }).value;
    const config = await settings({ hooks: 'attn_z:0', layers: undefined, set: NOTHING_READ });
    const [training, evaluation] = planned(config, checkpoint, ROOMY).stages;
    expect(training!.operations.saes).toBe(config.training.tokens * 3 * 2 * 2 * width * 64);
    expect(evaluation!.operations.saes).toBe(config.evaluation.tokens * 2 * width * 64);
    // Its reconstruction, zero and the mean go on from there; in the residual stream the last two are one row each.
    const { model } = planned(await settings({ set: NOTHING_READ }), checkpoint, ROOMY).stages[1]!.operations;
    const parts = partsOf(checkpoint, familyOf(checkpoint));
    const whole = { first: 0, last: parts.blocks.length - 1, embedding: false, head: true };
    const behind = 2 * numbersOf(parts, { ...whole, first: 1 });
    expect(model).toBe(config.evaluation.tokens * (2 * numbersOf(parts, whole) + behind));
    expect(evaluation!.operations.model).toBe(model + config.evaluation.tokens * 2 * behind);
  });

  it('of a cross-layer transcoder is four passes, and its latents twice', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}llama`);
    const family = familyOf(checkpoint);
    const config = await resolveRun([], { sae: ['somewhere'], set: NOTHING_READ });
    const sites = ['resid_mid', 'mlp_out'] as const;
    const hooks = sites.flatMap((site) => [0, 1].map((layer): Hook => ({ layer, site })));
    const sizes = [2, 1].map((later) => ({
      d_in: family.dModel,
      d_out: later * family.dModel,
      d_sae: 64,
      k: null,
    }));
    const known = { id: 'clt', place: hooks[0]!, d_sae: 128, crossLayer: true, sizes };
    const of = (others: Parameters<typeof planOf>[4] & object) =>
      planOf(config, suitesOf(config), checkpoint, ROOMY, others).stages.at(-1)!.operations;
    const parts = partsOf(checkpoint, family);
    const all = { first: 0, last: family.blocks - 1, embedding: false, head: true };
    const whole = 2 * numbersOf(parts, all);
    expect(of({ others: [{ hooks, known }] })).toEqual({
      model: config.evaluation.tokens * 4 * whole,
      saes: config.evaluation.tokens * 2 * 2 * family.dModel * 128,
    });
  });

  it('of a temporal SAE is that of its prediction too', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}llama`);
    const { dModel: d } = familyOf(checkpoint);
    const config = await resolveRun([], { sae: ['somewhere'], set: NOTHING_READ });
    const hook = hookOf(0);
    const sae = { d_in: d, d_sae: 64, k: 4, context: { heads: 2, queries: [10] } };
    const known = { id: 'L0', place: hook, d_sae: 64, crossLayer: false, sizes: [sae] };
    const others = [{ hooks: [hook], known }];
    const { saes } = planOf(config, suitesOf(config), checkpoint, ROOMY, { others }).stages[0]!.operations;
    // Latents, the direction of what they predict, q and k, v and o; scores and what they mix.
    const layer = 2 * (2 * d * 64 + 2 * 10 * 64 + 2 * 64 * 64) + 2 * config.corpus.rowTokens * (10 + 64);
    expect(saes).toBe(config.evaluation.tokens * (2 * d * 64 + layer));
  });
});

describe('memory', () => {
  // The head is the embedding; tables of each block; a head of its own.
  it.each(['tiny-f16-tied', 'gemma4-small', 'gemma3n', 'llama'])(
    '%s: the run holds the segments that the plan says, with room for all and one byte short of it',
    async (name) => {
      const checkpoint = await openCheckpoint(`${fixtures}${name}`);
      const config = await settings();
      const family = familyOf(checkpoint);
      const plans = withWidths(trainedSaes(config), new Map([[hookLabel(hookOf(0)), family.dModel]]));
      const saes = plans.map(({ d_in, recipe }) => ({ d_in, d_sae: recipe.dSae, k: recipe.k }));
      const roomy = planned(config, checkpoint, ROOMY).stages[1]!;
      const needed = roomy.memory.working + roomy.memory.weights;
      // The head is there twice, for one residual and for two, and a tied one beside the embedding.
      expect(roomy.memory.weights).toBe(roomy.segments.reduce((sum, { bytes }) => sum + bytes, 0));
      for (const [memory, resident] of [
        [ROOMY, true],
        [needed, true],
        [needed - 1, false],
      ] as const) {
        const [, stage] = planned(config, checkpoint, memory).stages;
        expect(stage!.resident).toBe(resident);
        const opened = await openRunModel({
          device: 'cpu',
          precision: config.precision,
          spill: config.spill,
          folder,
          memory,
          place: { folder: `${fixtures}${name}`, revision: null },
          hooks: [0],
          maxTokens: 16,
          ...evaluationNeeds(config, suitesOf(config), saes, ['cpu']),
        });
        expect([opened.model.resident, opened.model.segments]).toEqual([resident, stage!.segments]);
        await opened.close();
      }
    },
  );

  it('of a card: what is held fits, also where a tied head lies apart from the embedding', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}tiny-f16-tied`);
    const config = await settings({ device: 'cuda:0' });
    const sum = (card: number): { resident: boolean; needs: number } => {
      const { resident, devices } = planned(config, checkpoint, ROOMY, card).stages[1]!;
      const { device: _, available: __, ...needs } = devices[0]!;
      return { resident, needs: Object.values(needs).reduce((total, bytes) => total + bytes, 0) };
    };
    const { needs } = sum(ROOMY);
    expect(sum(needs)).toEqual({ resident: true, needs });
    const short = sum(needs - 1);
    expect(short.resident).toBe(false);
    expect(short.needs).toBeLessThan(needs);
  });

  it('of what is kept for ablations inside blocks is that of all text, and on the host', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}gemma3`);
    const config = await settings({ hooks: 'attn_z:0,mlp_out:1', set: NOTHING_READ });
    const kept = 4 * config.evaluation.tokens * 2 * familyOf(checkpoint).dModel;
    expect(planned(config, checkpoint, ROOMY).stages.map(({ memory }) => memory.beside)).toEqual([0, kept]);
    const onCard = planned({ ...config, device: 'cuda:0' }, checkpoint, ROOMY, ROOMY).stages[1]!;
    expect(onCard.memory.beside).toBe(kept);
  });

  it('of SAEs inside blocks is that of the width there, in the plan as in the run', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}gemma3`);
    const family = familyOf(checkpoint);
    const hook: Hook = { layer: 0, site: 'attn_z' };
    const width = widthsAt(family, hook).value;
    expect(width).not.toBe(family.dModel);
    const config = await settings({ hooks: 'attn_z:0', layers: undefined });
    const widths = new Map([[hookLabel(hook), width]]);
    const plans = withWidths(trainedSaes(config), widths);
    const needs = trainingNeeds(config, { plans, seen: [hook], widths }, ['cuda:0']);
    expect(needs.states).toBe(3 * 4 * (2 * width * 64 + 64 + width));
    const [training, evaluation] = planned({ ...config, device: 'cuda:0' }, checkpoint, ROOMY, ROOMY).stages;
    expect(training!.devices[0]).toMatchObject({ states: needs.states, step: needs.step });
    expect(evaluation!.devices[0]!.states).toBe(4 * 2 * width * 64);
  });

  it('of what is looked at before the first step is that of the arrays it lies in', async () => {
    const hooks = [hookOf(0), { layer: 1, site: 'attn_z' } as const];
    const widths = new Map([
      [hookLabel(hooks[0]!), 8],
      [hookLabel(hooks[1]!), 12],
    ]);
    const config = await settings({
      layers: '0',
      hooks: 'attn_z:1',
      set: ['sae.biasInitSamples=300', 'training.shuffle.megabytes=0'],
    });
    const plans = withWidths(trainedSaes(config), widths);
    const source: ActivationSource = {
      next: async () => ({
        activations: new Map([...widths].map(([label, width]) => [label, new Float32Array(256 * width)])),
        position: undefined as never,
      }),
      close: async () => undefined,
    };
    const host = (training: Partial<Config['training']> = {}) =>
      trainingNeeds(
        { ...config, training: { ...config.training, ...training } },
        { plans, seen: hooks, widths },
        ['cpu'],
      ).host!;
    expect(hooksOfPlans(plans)).toEqual(hooks);
    const samples = await firstActivations(samplesBefore(config), widths, hooks, source);
    expect(host()).toBe([...samples.values()].reduce((sum, { byteLength }) => sum + byteLength, 0));
    // Resampling looks at more, and at a copy with a loss of each.
    expect(host({ resampleTokens: 1_000 })).toBe(4 * 1_000 * 20 + 1_000 * (4 * 12 + 8));
    // A buffer in memory is part of it, one on disk is not.
    const buffer = host({ shuffle: { megabytes: 1, onDisk: false } }) - host();
    const beside = 4 * 20 * 2 * config.sae.batchTokens;
    expect(buffer).toBeLessThanOrEqual(2 ** 20 + beside);
    expect(buffer).toBeGreaterThan(2 ** 20 - 4 * 20 + beside);
    expect(host({ shuffle: { megabytes: 1, onDisk: true } })).toBe(host());
  });
});
