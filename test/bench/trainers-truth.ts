/**
 * Do our trainers find as many true features as SAELens'? Five architectures, each by both trainers from the very same
 * samples with equal budgets (steps, batch, learning rate and its warm-up, width), several seeds of weights and samples, on a
 * synthetic model; SAEs of both are measured by the suite's own code. Where L0 is not set but follows, each is trained at
 * several sparsities and compared at one L0, between them. With INTERPBOARD_PYTHON, a Python with sae-lens; without it ours
 * alone.
 *
 *     INTERPBOARD_PYTHON=python npm run bench -- trainers-truth [--seeds 5] [--steps 600] [--model FILE]
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mean } from '../../runner/math/sum.ts';
import { openSaeFile } from '../../runner/sae/checkpoints/load.ts';
import type { Sae } from '../../runner/sae/sae.ts';
import type { SyntheticModel } from '../../runner/synthetic/model.ts';
import { syntheticFolder } from '../../runner/synthetic/models/index.ts';
import { type Measured, measure, samplesOf, train, withModel } from './parts/truth.ts';
import { BIAS_SAMPLES, type Compared, LOSS, truthRecipe } from './parts/truth-recipe.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '600' },
    width: { type: 'string', default: '256' },
    k: { type: 'string', default: '8' },
    l1: { type: 'string', default: '3.5,5,7' },
    only: { type: 'string' },
    model: { type: 'string', default: fileURLToPath(new URL('synthetic-small.json', syntheticFolder)) },
  },
});
const [steps, width, k] = [Number(values.steps), Number(values.width), Number(values.k)];
const l1 = values.l1.split(',').map(Number);
/** What both are given alike; what SAEs start from is SAELens'. */
const BUDGET = {
  width,
  steps,
  batch: 256,
  rate: 3e-3,
  thresholdDecay: 0.99,
  asSaeLens: true,
};
const EVALUATION = { seed: 9, samples: 16_384 };
const SHOWN = ['mcc@synthsaebench', 'f1@synthsaebench', 'var_exp@pooled-v1', 'l0@v1'];
const L0 = 'l0@v1';

/** `sparsity` is k, the target of the loss, or the weight of the L1 loss. */
interface Run {
  name: string;
  architecture: Compared;
  sparsity: number;
}

const ladders: Record<Compared, readonly number[]> = {
  topk: [k],
  batchtopk: [0.75 * k, 1.25 * k],
  matryoshka: [0.75 * k, 1.25 * k],
  jumprelu: [0.75 * k, 1.25 * k],
  gated: l1,
};
const architectures = (Object.keys(ladders) as Compared[]).filter(
  (name) => values.only === undefined || values.only.split(',').includes(name),
);
const runs = architectures.flatMap((architecture): Run[] =>
  ladders[architecture].map((sparsity) => ({ name: `${architecture} ${sparsity}`, architecture, sparsity })),
);

async function ours(model: SyntheticModel, seed: number): Promise<Measured[]> {
  let found: Measured[] = [];
  const recipes = runs.map(({ architecture, sparsity }) =>
    truthRecipe(architecture, { sparsity, seed }, BUDGET),
  );
  await train(model, recipes, seed, [steps], async (_, saes) => {
    found = await measure(model, saes, EVALUATION.seed, EVALUATION.samples);
  });
  return found;
}

async function theirs(python: string, model: SyntheticModel, seed: number): Promise<Measured[]> {
  const out = await mkdtemp(join(tmpdir(), 'interpboard-peer-'));
  try {
    // The samples that ours are trained on, in the same order.
    const file = await open(join(out, 'samples.f32'), 'w');
    const source = samplesOf(model, seed, BUDGET.batch, BIAS_SAMPLES);
    for (let step = 0; step < steps; step++) await file.write((await source.next()).activations.get('L0')!);
    await file.close();
    const script = fileURLToPath(new URL('./parts/truth_peer.py', import.meta.url));
    const given = JSON.stringify({
      ...BUDGET,
      ...LOSS,
      d: model.dModel,
      seed,
      runs,
      groups: [width / 8, width / 4, width / 2, width],
    });
    const { status, stderr } = spawnSync(python, [script, out, given], {
      encoding: 'utf8',
      env: { ...process.env, OMP_NUM_THREADS: '1', TQDM_DISABLE: '1' },
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(stderr.slice(-2_000));
    const saes: Sae[] = [];
    for (const { name } of runs) {
      const saved = await openSaeFile(join(out, name));
      saes.push((await saved.load()).sae);
      await saved.close();
    }
    return await measure(model, saes, EVALUATION.seed, EVALUATION.samples);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/**
 * Of each seed a value: as measured, or at L0 = k on the line over ln L0 through the sparsities on either side; none of a seed
 * whose sparsities are all on one side.
 */
function valuesOf(found: readonly Measured[][], architecture: Compared, id: string): number[] {
  const places = runs.flatMap((run, i) => (run.architecture === architecture ? [i] : []));
  return found.flatMap((bySeed) => {
    const rungs = places.map((i) => bySeed[i]!).sort((a, b) => a[L0]! - b[L0]!);
    if (rungs.length === 1) return rungs[0]![id]!;
    const upper = rungs.findIndex((each) => each[L0]! >= k);
    if (upper <= 0) return [];
    if (id === L0) return k;
    const [a, b] = [rungs[upper - 1]!, rungs[upper]!];
    const share = Math.log(k / a[L0]!) / Math.log(b[L0]! / a[L0]!);
    return a[id]! + share * (b[id]! - a[id]!);
  });
}

function deviation(list: readonly number[]): number {
  const average = mean(list);
  return Math.sqrt(
    list.reduce((sum, value) => sum + (value - average) ** 2, 0) / Math.max(1, list.length - 1),
  );
}

const spread = (list: readonly number[], digits: number): string =>
  `${mean(list).toFixed(digits)} ± ${deviation(list).toFixed(digits)}`;

await withModel(values.model, async (model) => {
  const python = process.env.INTERPBOARD_PYTHON;
  const { features, d } = model.parts;
  const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed + 1);
  console.log(
    `${features} features, d ${d}, ${width} latents, k ${k}, ${steps} steps of ${BUDGET.batch}, ${seeds.length} seeds`,
  );
  if (python === undefined)
    console.log('sae_lens: skipped; set INTERPBOARD_PYTHON to a Python with sae-lens');
  const sides: Record<string, Measured[][]> = { ours: [], ...(python !== undefined && { sae_lens: [] }) };
  for (const seed of seeds) {
    sides.ours!.push(await ours(model, seed));
    if (python !== undefined) sides.sae_lens!.push(await theirs(python, model, seed));
    console.error(`seed ${seed}`);
  }
  console.log('| architecture | trainer | MCC | F1 | variance explained | L0 | L0 as trained |');
  console.log('|---|---|---|---|---|---|---|');
  for (const name of architectures) {
    for (const [side, found] of Object.entries(sides)) {
      const cells = SHOWN.map((id) => {
        const list = valuesOf(found, name, id);
        // Means over fewer seeds would not stand beside the others.
        return list.length < found.length ? 'none' : spread(list, id === L0 ? 1 : 3);
      });
      const trained = runs.flatMap(({ architecture }, i) =>
        architecture === name ? [mean(found.map((bySeed) => bySeed[i]![L0]!)).toFixed(1)] : [],
      );
      console.log(`| ${name} | ${side} | ${cells.join(' | ')} | ${trained.join(', ')} |`);
    }
  }
});
