import { describe, expect, test } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import { hookOf } from '../../../runner/hook.ts';
import { recordObject } from '../../../runner/report/schema.ts';
import { encode, reconstruct } from '../../../runner/sae/reference.ts';
import type { Sae } from '../../../runner/sae/sae.ts';
import type { TrainingBackend } from '../../../runner/train/backends/backend.ts';
import { graphBackend } from '../../../runner/train/backends/graph.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { hostRows } from '../../../runner/train/device-rows.ts';
import { newTrainingState, type SaePlan } from '../../../runner/train/sae-trainer.ts';
import { openTrainer } from '../../../runner/train/trainer.ts';
import { smallRecipe, sparseActivations } from './support.ts';
import { activations, at, copied, d_in, LAYERS, open, plans } from './trainer-case.ts';

describe.each([
  ['graph', () => graphBackend({ threads: 1 })],
  ['reference', () => referenceBackend],
] as const)('on the %s backend', (_, backend) => {
  test('a resumed run equals the uninterrupted one bit for bit', async () => {
    const passes = 14;
    const whole = await open(backend());
    for (let pass = 0; pass < passes; pass++) await whole.step(activations(pass));
    for (const stop of [0, 1, 7]) {
      const first = await open(backend());
      for (let pass = 0; pass < stop; pass++) await first.step(activations(pass));
      const saved = copied(await first.state());
      await first.close();
      const second = await open(backend(), { resume: saved });
      expect(second.tokens).toBe(64 * stop);
      for (let pass = stop; pass < passes; pass++) await second.step(activations(pass));
      expect(await second.state()).toEqual(await whole.state());
      expect(await second.saes()).toEqual(await whole.saes());
      await second.close();
    }
    // The run was not trivial: AuxK was at work in part of it.
    const aux = (await whole.saes()).map(({ trajectory }) => trajectory.map((point) => point.aux_loss! > 0));
    expect(aux.flat()).toContain(true);
    expect(aux.flat()).toContain(false);
    await whole.close();
  });
});

test('training reduces the error and logs where it should', async () => {
  let clock = 0;
  const trainer = await open(graphBackend({ threads: 1 }), undefined, {
    now: () => {
      clock += 10;
      return clock;
    },
  });
  const before = await trainer.saes();
  const seen = [];
  for (let pass = 0; pass < 15; pass++) seen.push(await trainer.step(activations(pass)));
  expect(trainer.tokens).toBe(15 * 64);
  expect(seen.at(-1)!.map(({ id, step, tokens }) => [id, step, tokens])).toEqual([
    ['L0', 30, 960],
    ['L0-wide', 15, 960],
    ['L2', 30, 960],
  ]);
  const saes = await trainer.saes();
  const steps = saes.map(({ trajectory }) => trajectory.map((point) => point.step));
  expect(steps[0]).toEqual([1, 2, 4, 5, 8, 10, 12, 16, 20, 24, 28, 30]);
  expect(steps[1]).toEqual([1, 2, 4, 5, 8, 10, 12, 15]);
  for (const { trajectory, sae, plan } of saes) {
    const [first, last] = [trajectory[0]!, trajectory.at(-1)!];
    // On activations that neither was trained on: the points are of one small batch each.
    const untrained = before.find(({ plan: { id } }) => id === plan.id)!.sae;
    expect(errorOf(sae, plan.hook.layer)).toBeLessThan(errorOf(untrained, plan.hook.layer));
    expect(last.var_exp).not.toBe(first.var_exp);
    expect(last.l0!).toBeLessThanOrEqual(plan.recipe.k);
    expect(last.l0!).toBeGreaterThan(0);
    expect(first.learning_rate).toBe(0);
    expect(last.tokens_per_second).toBeGreaterThan(0);
    expect(sae).toMatchObject({ architecture: 'topk', k: plan.recipe.k, apply_b_dec_to_input: true });
    expect(() =>
      recordObject.shape.trajectory.parse({ var_exp: 'var_exp@chunk-v1', note: '', points: trajectory }),
    ).not.toThrow();
  }
  // What is given out is a copy.
  saes[0]!.sae.W_enc.fill(0);
  expect((await trainer.saes())[0]!.sae.W_enc.some((value) => value !== 0)).toBe(true);
  await trainer.close();
});

/** Mean squared error on a batch of a layer that no pass holds. */
function errorOf(sae: Sae, layer: number): number {
  const x = sparseActivations(64, d_in, 40, 100 * layer + 99);
  const { reconstruction } = reconstruct(sae, x, 64);
  return x.reduce((sum, value, i) => sum + (value - reconstruction[i]!) ** 2, 0) / x.length;
}

test('var_exp of the first point is that of the first step', async () => {
  const trainer = await open(referenceBackend);
  await trainer.step(activations(0));
  const { trajectory } = (await trainer.saes())[1]!;
  const x = activations(0).get('L0')!;
  const mean = new Float64Array(d_in);
  x.forEach((value, i) => {
    mean[i % d_in]! += value / 64;
  });
  const variance = x.reduce((sum, value, i) => sum + (value - mean[i % d_in]!) ** 2, 0);
  expect(trajectory[0]!.var_exp).toBeCloseTo(1 - (trajectory[0]!.loss! * x.length) / variance, 9);
  await trainer.close();
});

test('constant activations have no variance to explain', async () => {
  const trainer = await open(referenceBackend, {
    samples: new Map(LAYERS.map((layer) => [`L${layer}`, new Float32Array(64 * d_in).fill(0.5)])),
  });
  const constant = new Map(LAYERS.map((layer) => [`L${layer}`, new Float32Array(64 * d_in).fill(0.5)]));
  expect((await trainer.step(constant))[0]!.var_exp).toBeNull();
  await trainer.close();
});

test('alphaAux 0 turns AuxK off', async () => {
  const plan = { id: 'L0', ...at(0), recipe: smallRecipe({ alphaAux: 0, kAux: 2, deadThresholdTokens: 1 }) };
  const trainer = await open(graphBackend({ threads: 1 }), undefined, { plans: [plan] });
  for (let pass = 0; pass < 3; pass++) {
    const [progress] = await trainer.step(activations(pass));
    expect(progress!.aux_loss).toBe(0);
    expect(progress!.dead!).toBeGreaterThanOrEqual(plan.recipe.kAux);
  }
  await trainer.close();
});

test('the order of tokens is drawn anew each pass, from the SAE’s own stream', async () => {
  const orders: number[][] = [];
  const backend: TrainingBackend = {
    ...referenceBackend,
    async init(recipe, width, state) {
      const session = await referenceBackend.init(recipe, width, state);
      return {
        ...session,
        async step(batch, controls) {
          const x = await hostRows(batch);
          orders.push(Array.from({ length: x.length / d_in }, (_, t) => Math.round(x[t * d_in]!)));
          return session.step(x, controls);
        },
      };
    },
  };
  const plan = { id: 'L0', ...at(0), recipe: smallRecipe({ learningRate: 1e-6, learningRateFloor: 0 }) };
  const trainer = await open(backend, undefined, { plans: [plan] });
  // Token t starts with the number t.
  const x = sparseActivations(64, d_in, 40, 1);
  for (let t = 0; t < 64; t++) x[t * d_in] = t;
  const numbered = new Map([['L0', x]]);
  await trainer.step(numbered);
  await trainer.step(numbered);
  await trainer.close();
  const all = Array.from({ length: 64 }, (_, t) => t);
  const passes = [orders.slice(0, 2).flat(), orders.slice(2).flat()];
  for (const pass of passes) {
    expect(pass).not.toEqual(all);
    expect(pass.toSorted((a, b) => a - b)).toEqual(all);
  }
  expect(passes[0]).not.toEqual(passes[1]);
});

test('the order of tokens follows seed and layer, not the name, k or width of the SAE', () => {
  const stateOf = (over: Partial<SaePlan>, recipe: Parameters<typeof smallRecipe>[0] = {}) =>
    newTrainingState({ id: 'L0', ...at(0), recipe: smallRecipe(recipe), ...over }, activations(0).get('L0')!)
      .shuffling;
  const first = stateOf({});
  expect(stateOf({ id: 'L0_k3' }, { k: 3, dSae: 80 })).toEqual(first);
  expect(stateOf({}, { seed: 4 })).not.toEqual(first);
  expect(stateOf({ hook: hookOf(2) })).not.toEqual(first);
});

test('a BatchTopK SAE keeps k latents per token on average with the threshold it is saved with', async () => {
  const [width, tokens] = [16, 64];
  const batch = smallRecipe({ architecture: 'batchtopk', batchTokens: 64, thresholdDecay: 0.9 });
  const plan = { id: 'L0', ...at(0, width), recipe: batch };
  const samples = sparseActivations(batch.biasInitSamples, width, 30, 0);
  const trainer = await openTrainer(
    { backend: graphBackend({ threads: 1 }), plans: [plan] },
    { samples: new Map([['L0', samples]]) },
  );
  for (let step = 0; step < 60; step++) {
    await trainer.step(new Map([['L0', sparseActivations(tokens, width, 30, step + 1)]]));
  }
  const { sae } = (await trainer.saes())[0]!;
  await trainer.close();
  if (sae.architecture !== 'batchtopk') throw new Error(sae.architecture);
  expect(sae.threshold[0]).toBeGreaterThan(0);
  const count = 512;
  const { values } = encode(sae, sparseActivations(count, width, 30, 999), count);
  const l0 = values.reduce((sum, value) => sum + Number(value > 0), 0) / count;
  expect(l0).toBeGreaterThan(0.85 * batch.k);
  expect(l0).toBeLessThan(1.15 * batch.k);
});

test('the thresholds of a JumpReLU SAE, and the gates of a Gated one, bring L0 down to where the loss holds it', async () => {
  const width = 16;
  const common = {
    learningRate: 1e-2,
    learningRateFloor: 1e-2,
    batchTokens: 64,
    lossReduction: 'sum',
  } as const;
  const target = (l0Target: number) =>
    smallRecipe({ ...common, architecture: 'jumprelu', l0Target, bandwidth: 0.5, sparsityPenalty: 50 });
  const recipes = {
    six: target(6),
    twelve: target(12),
    gated: smallRecipe({ ...common, architecture: 'gated', sparsityPenalty: 0.1 }),
    sparser: smallRecipe({ ...common, architecture: 'gated', sparsityPenalty: 1 }),
  };
  const trainer = await openTrainer(
    {
      backend: graphBackend({ threads: 1 }),
      plans: Object.entries(recipes).map(([id, recipe]) => ({ id, ...at(0, width), recipe })),
    },
    { samples: new Map([['L0', sparseActivations(64, width, 30, 0)]]) },
  );
  for (let step = 0; step < 250; step++) {
    await trainer.step(new Map([['L0', sparseActivations(64, width, 30, step + 1)]]));
  }
  const count = 256;
  const l0 = new Map<string, number>();
  for (const { plan, sae, trajectory } of await trainer.saes()) {
    expect(sae.architecture).toBe(plan.recipe.architecture);
    expect(trajectory.at(-1)!.sparsity_loss).toBeGreaterThan(0);
    expect(trajectory.at(-1)!.var_exp).toBeGreaterThan(0.5);
    const { values } = encode(sae, sparseActivations(count, width, 30, 999), count);
    l0.set(plan.id, values.reduce((sum, value) => sum + Number(value > 0), 0) / count);
  }
  await trainer.close();
  console.info(`L0 ${JSON.stringify(Object.fromEntries(l0))}`);
  expect(Math.abs(l0.get('six')! / 6 - 1)).toBeLessThan(0.25);
  expect(Math.abs(l0.get('twelve')! / 12 - 1)).toBeLessThan(0.25);
  expect(l0.get('sparser')!).toBeLessThan(0.7 * l0.get('gated')!);
}, 120_000);

describe('SAEs on several devices', () => {
  /** Two sets of sessions, which run aside as on CUDA, stand for two devices: what differs is who computes which SAE, and when. */
  const onTwo = (): ((plan: SaePlan) => TrainingBackend) => {
    const options = { threads: 1, aside: true };
    const [one, other] = [graphBackend(options), graphBackend(options)];
    return ({ id }) => (id === 'L0-wide' ? other : one);
  };

  test('are the same to the bit as on one, and go on from one to the other', async () => {
    const [alone, spread] = [
      await open(graphBackend({ threads: 1 })),
      await openTrainer(
        { backend: onTwo(), plans, logEverySteps: 4, now: () => 0 },
        { samples: activations(0) },
      ),
    ];
    for (let pass = 0; pass < 4; pass++) {
      expect(await spread.step(activations(pass))).toEqual(await alone.step(activations(pass)));
    }
    expect(await spread.state()).toEqual(await alone.state());
    const resumed = await open(graphBackend({ threads: 1 }), { resume: copied(await spread.state()) });
    await resumed.step(activations(4));
    await alone.step(activations(4));
    expect(await resumed.state()).toEqual(await alone.state());
    for (const trainer of [alone, spread, resumed]) await trainer.close();
  });

  test('take their steps beside one another, and what fails waits for the others', async () => {
    const events: string[] = [];
    let started = 0;
    let both: () => void;
    const together = new Promise<void>((resolve) => {
      both = resolve;
    });
    /** A step ends when both devices have begun one: taken in turn, none would ever end. */
    const device = (name: string, fails: boolean): TrainingBackend => ({
      ...referenceBackend,
      async init(...given) {
        const session = await referenceBackend.init(...given);
        return {
          ...session,
          async step(...controls) {
            events.push(`${name} begins`);
            if (++started === 2) both();
            await together;
            if (fails) throw new UserError({ thing: name, found: 'a', expected: 'b', next: 'c' });
            const result = await session.step(...controls);
            events.push(`${name} ends`);
            return result;
          },
        };
      },
    });
    const [one, other] = [device('one', true), device('other', false)];
    const trainer = await openTrainer(
      { backend: ({ id }) => (id === 'L0-wide' ? other : one), plans: plans.slice(0, 2) },
      { samples: activations(0) },
    );
    await expect(trainer.step(activations(0))).rejects.toThrow('one: found a');
    expect(events).toEqual(['one begins', 'other begins', 'other ends']);
    await expect(trainer.state()).rejects.toThrow('one: found a');
    await trainer.close();
  });
});
