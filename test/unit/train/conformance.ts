/**
 * What every backend is held to: steps of small SAEs, compared with the TypeScript reference. Used by the tests of the
 * backends here and on devices.
 */

import { architectureOf } from '../../../runner/train/architectures/index.ts';
import { leastDead } from '../../../runner/train/aux-k.ts';
import type { StepControls, StepResult, TrainingBackend } from '../../../runner/train/backends/backend.ts';
import { referenceBackend } from '../../../runner/train/backends/reference.ts';
import { initialParameters } from '../../../runner/train/init.ts';
import type { Recipe } from '../../../runner/train/recipe.ts';
import { freshState, mapParameters, type OptimiserState } from '../../../runner/train/state.ts';
import { gaussians, relativeDifference, smallRecipe, sparseActivations } from './support.ts';

/** Largest relative difference allowed, of any number a step gives and of any tensor after it. */
export const TOLERANCE = 1e-5;

const STEPS = 12;

export interface ConformanceCase {
  title: string;
  recipe: Recipe;
  d_in: number;
  /** Dead latents of each step in turn. */
  dead: readonly Int32Array[];
  /** Pairs of latents start equal, so that their pre-activations tie. */
  twins: boolean;
}

/** `count` latents, every `every`-th one. */
export function latents(count: number, every = 1): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i * every);
}

type Row = [
  title: string,
  over: Partial<Recipe>,
  dead: readonly Int32Array[],
  shape?: { d_in?: number; twins?: boolean },
];

/** Thresholds and bandwidth so large that many latents are near. */
const jumpRelu = {
  architecture: 'jumprelu',
  initialThreshold: 0.3,
  bandwidth: 0.4,
  sparsityPenalty: 0.1,
  l0Target: 3,
} as const;

const ANNEALED = {
  architecture: 'relu',
  sparsityPenalty: 0.1,
  // A slope of z^(p - 1) near 0 turns the rounding of z into more than the tolerance where p is far below 1.
  sparsityPEnd: 0.85,
  annealEndStep: 10,
  annealUpdates: 5,
} as const;

const TRANSCODER = { transcode: 'plain', applyBDecToInput: false } as const;

const rows: readonly Row[] = [
  ['no dead latents', {}, [latents(0)]],
  ['dead below, at and above kAux', {}, [latents(5), latents(6), latents(20, 2), latents(3)]],
  ['all latents dead', {}, [latents(48)]],
  ['AuxK off', { alphaAux: 0 }, [latents(0)]],
  ['kAux = k = dSae', { k: 48, kAux: 48 }, [latents(48), latents(47)]],
  ['k = kAux = 1', { k: 1, kAux: 1 }, [latents(1), latents(9, 5)]],
  [
    'odd sizes: d 7, n 37, k 3, 31 tokens',
    { dSae: 37, k: 3, kAux: 5, batchTokens: 31 },
    [latents(0), latents(7, 5)],
    { d_in: 7 },
  ],
  [
    'd 33, n 203, k 13, 70 tokens',
    { dSae: 203, k: 13, kAux: 17, batchTokens: 70 },
    [latents(0), latents(19, 9)],
    { d_in: 33 },
  ],
  ['d = 1', { dSae: 5, k: 2, kAux: 2 }, [latents(0), latents(3)], { d_in: 1 }],
  ['ties', {}, [latents(0), latents(20, 2), latents(40)], { twins: true }],
  ['fewer positives than k', { k: 40, kAux: 12 }, [latents(0), latents(30)]],
  ['rows not renormalised', { unitNormDecoder: false }, [latents(12), latents(0)]],
  ['parallel gradient removed', { removeParallelGradient: true }, [latents(12), latents(0), latents(7)]],
  ['clip far below the norm', { gradientClip: 0.01, alphaAux: 4 }, [latents(12)]],
  ['clip never reached', { gradientClip: 1e9 }, [latents(12), latents(0)]],
  ['other Adam settings', { adamBeta1: 0, adamBeta2: 0.9, adamEpsilon: 1e-3 }, [latents(0)]],
  ['AuxK scaled', { auxVariant: 'scaled' }, [latents(0), latents(1), latents(5), latents(6), latents(20, 2)]],
  ['AuxK normalised', { auxVariant: 'normalised' }, [latents(0), latents(1), latents(9, 3)]],
  ['loss summed over dimensions', { lossReduction: 'sum' }, [latents(0), latents(9, 3)]],
  [
    'dead latents counted with the step',
    { deadCounting: 'with-step', auxVariant: 'normalised' },
    [latents(0), latents(48), latents(20, 2)],
  ],
  ['BatchTopK', { architecture: 'batchtopk' }, [latents(0), latents(9, 3), latents(20, 2)]],
  ['BatchTopK keeping all', { architecture: 'batchtopk', k: 48 }, [latents(0), latents(9, 3)]],
  [
    'Matryoshka',
    { architecture: 'matryoshka', auxVariant: 'normalised', groupFractions: [0.1, 0.3, 0.6] },
    [latents(0), latents(9, 3), latents(20, 2)],
  ],
  [
    'Matryoshka of two halves, summed',
    { architecture: 'matryoshka', lossReduction: 'sum', groupFractions: [0.5, 0.5] },
    [latents(0), latents(20, 2)],
  ],
  ['b_dec not subtracted', { applyBDecToInput: false }, [latents(0), latents(12)]],
  ['JumpReLU, L0', { ...jumpRelu, sparsityLoss: 'l0', l0Target: 20, sparsityPenalty: 0.01 }, [latents(0)]],
  ['JumpReLU, L0 target', { ...jumpRelu, sparsityWarmupSteps: 6 }, [latents(0)]],
  ['JumpReLU, L0 target of each token', { ...jumpRelu, sparsityLoss: 'l0-target-token' }, [latents(0)]],
  [
    'JumpReLU, its thresholds at 0',
    { ...jumpRelu, initialThreshold: 0, lossReduction: 'sum', applyBDecToInput: false },
    [latents(0)],
  ],
  [
    'Gated, its auxiliary loss leaving the decoder alone',
    { architecture: 'gated', auxDecoder: 'frozen', sparsityPenalty: 0.05, removeParallelGradient: true },
    [latents(0)],
  ],
  [
    'Gated',
    {
      architecture: 'gated',
      unitNormDecoder: false,
      sparsityPenalty: 0.3,
      sparsityWarmupSteps: 6,
      lossReduction: 'sum',
    },
    [latents(0)],
  ],
  [
    'ReLU, L1',
    { architecture: 'relu', sparsityPenalty: 0.2, sparsityWarmupSteps: 6, removeParallelGradient: true },
    [latents(0)],
  ],
  [
    'ReLU, L1 of latents times the norms of their rows',
    { architecture: 'relu', sparsityPenalty: 0.2, unitNormDecoder: false, lossReduction: 'sum' },
    [latents(0)],
  ],
  [
    'ReLU, an Lp norm',
    { architecture: 'relu', sparsityPenalty: 0.1, sparsityP: 0.6, unitNormDecoder: false },
    [latents(0)],
  ],
  ['ReLU, p annealed', { ...ANNEALED, sparsityNorm: 'powers', unitNormDecoder: false }, [latents(0)]],
  ['ReLU, p of the Lp norm annealed', { ...ANNEALED, sparsityNorm: 'lp' }, [latents(0)]],
  [
    'Transcoder with a skip connection, ReLU',
    { ...TRANSCODER, transcode: 'skip', architecture: 'relu', sparsityPenalty: 0.2, unitNormDecoder: false },
    [latents(0)],
  ],
  ['Transcoder', { ...TRANSCODER }, [latents(0), latents(9, 3), latents(20, 2)]],
  [
    'Transcoder with a skip connection',
    { ...TRANSCODER, transcode: 'skip', deadCounting: 'with-step', auxVariant: 'scaled' },
    [latents(0), latents(20, 2)],
  ],
  [
    'Transcoder with a skip connection, Matryoshka',
    { ...TRANSCODER, transcode: 'skip', architecture: 'matryoshka', groupFractions: [0.1, 0.3, 0.6] },
    [latents(0), latents(9, 3)],
  ],
  [
    'Transcoder with a skip connection, BatchTopK',
    { ...TRANSCODER, transcode: 'skip', architecture: 'batchtopk', removeParallelGradient: true },
    [latents(0), latents(9, 3)],
  ],
  [
    'Transcoder with a skip connection, JumpReLU',
    { ...TRANSCODER, ...jumpRelu, transcode: 'skip', lossReduction: 'sum' },
    [latents(0)],
  ],
  [
    'Transcoder with a skip connection, Gated',
    { ...TRANSCODER, architecture: 'gated', transcode: 'skip', sparsityPenalty: 0.05 },
    [latents(0)],
  ],
  [
    'Transcoder with a skip connection, Gated, its auxiliary loss leaving the decoder alone',
    { ...TRANSCODER, architecture: 'gated', transcode: 'skip', auxDecoder: 'frozen', sparsityPenalty: 0.05 },
    [latents(0)],
  ],
  ['one token a batch', { batchTokens: 1 }, [latents(12), latents(12), latents(0)]],
];

export const conformanceCases: readonly ConformanceCase[] = rows.map(([title, over, dead, shape = {}]) => ({
  title,
  recipe: smallRecipe(over),
  d_in: shape.d_in ?? 20,
  dead,
  twins: shape.twins ?? false,
}));

export interface Steps {
  results: StepResult[];
  state: OptimiserState;
}

export async function runCase(backend: TrainingBackend, each: ConformanceCase): Promise<Steps> {
  const { recipe, d_in, dead } = each;
  const session = await backend.init(recipe, d_in, startOf(each));
  try {
    const results: StepResult[] = [];
    for (let i = 0; i < STEPS; i++) {
      const controls: StepControls = {
        learningRate: 2e-4 * (i + 1),
        dead: dead[i % dead.length]!,
        sparsityScale: 1 + i / 8,
      };
      const x = sparseActivations(recipe.batchTokens, d_in, 30, i + 1);
      const y = recipe.transcode && sparseActivations(recipe.batchTokens, d_in, 30, 100 + i);
      results.push(await session.step(x, controls, y));
    }
    return { results, state: await session.state() };
  } finally {
    await session.close();
  }
}

/** Off the special values of a fresh start: the encoder's biases and scales are not 0, rows are not unit. */
export function startOf({
  recipe,
  d_in,
  twins,
}: Pick<ConformanceCase, 'recipe' | 'd_in' | 'twins'>): OptimiserState {
  const { dSae: n } = recipe;
  const samples = sparseActivations(recipe.biasInitSamples, d_in, 30, 0);
  const parameters = initialParameters(recipe, d_in, { layer: 0, site: 'resid_post' }, samples);
  for (const [name, tensor] of Object.entries(parameters)) {
    if (['W_enc', 'W_dec', 'b_dec', 'threshold'].includes(name)) continue;
    gaussians(tensor.length, name).forEach((value, j) => {
      tensor[j] = 0.1 * value - 0.1;
    });
  }
  if (twins) {
    const b_enc = parameters.b_enc!;
    for (let j = 1; j < n; j += 2) {
      b_enc[j] = b_enc[j - 1]!;
      for (let i = 0; i < d_in; i++) parameters.W_enc[i * n + j] = parameters.W_enc[i * n + j - 1]!;
    }
  }
  return freshState(mapParameters(parameters, (tensor) => tensor.map((v) => 1.1 * v)));
}

const references = new Map<ConformanceCase, Promise<Steps>>();

/**
 * @returns the largest relative difference from the reference, and where it is
 * @throws Error when flags, counts or AuxK's being active differ at all
 */
export async function differenceFromReference(
  backend: TrainingBackend,
  each: ConformanceCase,
): Promise<{ worst: number; where: string }> {
  const reference = references.get(each) ?? runCase(referenceBackend, each);
  references.set(each, reference);
  const expected = await reference;
  const found = await runCase(backend, each);
  const settings: object = architectureOf(each.recipe).settings;
  let worst = 0;
  let where = 'nowhere';
  const compare = (name: string, a: ArrayLike<number>, b: ArrayLike<number>): void => {
    const difference = relativeDifference(a, b);
    if (difference <= worst) return;
    worst = difference;
    where = name;
  };
  const same = (name: string, a: unknown, b: unknown): void => {
    if (a !== b) throw new Error(`${backend.name}, ${each.title}, ${name}: found ${a}, expected ${b}`);
  };
  for (const [i, result] of found.results.entries()) {
    const { fired, activeLatents, leastActive, norms, ...numbers } = expected.results[i]!;
    same(`step ${i} fired`, result.fired.join(), fired.join());
    same(`step ${i} activeLatents`, result.activeLatents, activeLatents);
    same(`step ${i} leastActive is null`, result.leastActive === null, leastActive === null);
    same(`step ${i} measures norms`, result.norms !== undefined, norms !== undefined);
    for (const key of ['now', 'next'] as const)
      if (norms !== undefined) compare(`step ${i} norm ${key}`, [result.norms![key]], [norms[key]]);
    // Of pre-activations around 1: near 0 what is left of them is rounding.
    if (leastActive !== null) compare(`step ${i} leastActive`, [1 + result.leastActive!], [1 + leastActive]);
    for (const [key, value] of Object.entries(numbers)) {
      compare(`step ${i} ${key}`, [result[key as keyof typeof numbers]], [value]);
    }
    if ('kAux' in settings && each.recipe.deadCounting === 'before-step') {
      const dead = each.dead[i % each.dead.length]!.length;
      same(`step ${i} AuxK active`, result.auxLoss > 0, dead > 0 && dead >= leastDead(each.recipe));
    }
  }
  same('updates', found.state.updates, STEPS);
  for (const part of ['parameters', 'firstMoments', 'secondMoments'] as const) {
    for (const [name, tensor] of Object.entries(expected.state[part]))
      compare(`${part} ${name}`, found.state[part][name]!, tensor);
  }
  return { worst, where };
}

/** Cases by backends, each cell a largest relative difference or why there is none. */
export function conformanceTable(
  backends: readonly string[],
  cells: ReadonlyMap<string, ReadonlyMap<string, string>>,
): string {
  const width = Math.max(...conformanceCases.map(({ title }) => title.length)) + 2;
  const lines = conformanceCases.map(({ title }) =>
    [title.padEnd(width), ...backends.map((name) => (cells.get(name)?.get(title) ?? '').padStart(24))].join(
      '',
    ),
  );
  return [''.padEnd(width) + backends.map((name) => name.padStart(24)).join(''), ...lines].join('\n');
}
