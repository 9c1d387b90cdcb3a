/**
 * Do our trainers find as many true features as SAELens'? Five architectures, each by both trainers with equal budgets (steps,
 * batch, learning rate and its warm-up, width, L0 or the weight of its loss), five seeds of weights and samples, on a
 * synthetic model; SAEs of both are measured by the suite's own code. With INTERPBOARD_PYTHON, a Python with sae-lens; without
 * it ours alone.
 *
 *     INTERPBOARD_PYTHON=python npm run bench -- trainers-truth [--seeds 5] [--steps 1000] [--model FILE]
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openSaeFile } from '../../runner/sae/checkpoints/load.ts';
import type { Sae } from '../../runner/sae/sae.ts';
import { type Recipe, recipe } from '../../runner/train/recipe.ts';
import { type BenchModel, type Measured, measure, train, withModel } from './parts/truth.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '1000' },
    width: { type: 'string', default: '128' },
    k: { type: 'string', default: '4' },
    model: { type: 'string' },
  },
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed + 1);
const [steps, width, k] = [Number(values.steps), Number(values.width), Number(values.k)];
const architectures = ['topk', 'batchtopk', 'matryoshka', 'jumprelu', 'gated'] as const;
const groups = [width / 8, width / 4, width / 2, width];
/** What both are given alike. */
const BUDGET = { batch: 256, rate: 3e-3, warmup: 50, penalty: 1, threshold: 0.1, bandwidth: 0.5, l1: 1.5 };
const EVALUATION = { seed: 9, samples: 8_192 };

function recipeOf(architecture: Recipe['architecture'], seed: number): Recipe {
  const common = {
    architecture,
    dSae: width,
    seed,
    batchTokens: BUDGET.batch,
    lossReduction: 'sum',
    learningRate: BUDGET.rate,
    learningRateFloor: BUDGET.rate,
    warmupSteps: BUDGET.warmup,
    decay: 'none',
    scheduleSteps: steps,
    biasInitSamples: 1_024,
    deadThresholdTokens: 50_000,
  };
  switch (architecture) {
    case 'topk':
    case 'batchtopk':
      return recipe.parse({ ...common, k, kAux: width / 4 });
    case 'matryoshka':
      return recipe.parse({ ...common, k, kAux: width / 4, groupFractions: [1 / 8, 1 / 8, 1 / 4, 1 / 2] });
    case 'jumprelu':
      return recipe.parse({
        ...common,
        sparsityLoss: 'l0-target-token',
        l0Target: k,
        sparsityPenalty: BUDGET.penalty,
        sparsityWarmupSteps: BUDGET.warmup,
        initialThreshold: BUDGET.threshold,
        bandwidth: BUDGET.bandwidth,
      });
    case 'gated':
      return recipe.parse({ ...common, sparsityPenalty: BUDGET.l1, sparsityWarmupSteps: BUDGET.warmup });
  }
}

async function ours({ model }: BenchModel): Promise<Map<string, Measured[]>> {
  const found = new Map<string, Measured[]>();
  for (const seed of seeds) {
    const recipes = architectures.map((architecture) => recipeOf(architecture, seed));
    await train(model, recipes, seed, [steps], async (_step, saes) => {
      const measured = await measure(model, saes, EVALUATION.seed, EVALUATION.samples);
      architectures.forEach((name, i) => {
        found.set(name, [...(found.get(name) ?? []), measured[i]!]);
      });
    });
  }
  return found;
}

async function theirs(python: string, { folder, model }: BenchModel): Promise<Map<string, Measured[]>> {
  const out = await mkdtemp(join(tmpdir(), 'interpboard-peer-'));
  try {
    const script = fileURLToPath(new URL('./parts/truth_peer.py', import.meta.url));
    const given = JSON.stringify({ ...BUDGET, steps, width, k, groups, seeds, architectures });
    const { status, stderr } = spawnSync(python, [script, folder, out, given], {
      encoding: 'utf8',
      env: { ...process.env, OMP_NUM_THREADS: '1', TQDM_DISABLE: '1' },
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(stderr.slice(-2_000));
    const found = new Map<string, Measured[]>();
    for (const name of architectures) {
      const saes: Sae[] = [];
      for (const seed of seeds) {
        const file = await openSaeFile(join(out, `${name}-${seed}`));
        saes.push((await file.load()).sae);
        await file.close();
      }
      found.set(name, await measure(model, saes, EVALUATION.seed, EVALUATION.samples));
    }
    return found;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** Mean and standard deviation over seeds. */
function spread(measured: readonly Measured[], key: keyof Measured): string {
  const list = measured.map((each) => each[key]);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const squared = list.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return `${mean.toFixed(3)} ± ${Math.sqrt(squared / Math.max(1, list.length - 1)).toFixed(3)}`;
}

await withModel(async (bench) => {
  const python = process.env.INTERPBOARD_PYTHON;
  const { features, d } = bench.model.parts;
  console.log(
    `${features} features, d ${d}, ${width} latents, k ${k}, ${steps} steps of ${BUDGET.batch}, ${seeds.length} seeds`,
  );
  const sides: [string, Map<string, Measured[]>][] = [['ours', await ours(bench)]];
  if (python === undefined)
    console.log('sae_lens: skipped; set INTERPBOARD_PYTHON to a Python with sae-lens');
  else sides.push(['sae_lens', await theirs(python, bench)]);
  console.log('| architecture | trainer | MCC | F1 | variance explained | L0 |\n|---|---|---|---|---|---|');
  for (const name of architectures) {
    for (const [side, found] of sides) {
      const measured = found.get(name)!;
      const cells = (['mcc', 'f1', 'var_exp', 'l0'] as const).map((key) => spread(measured, key));
      console.log(`| ${name} | ${side} | ${cells.join(' | ')} |`);
    }
  }
}, values.model);
