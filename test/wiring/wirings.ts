/**
 * For every setting of a run another value, and what of a run's outputs it must change. The suite beside this file
 * fails where the schema has a setting that is not in this table. Over 400 lines, as it has a line for each.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type FeatureIndex,
  type FeatureShard,
  featureIndex,
  featureShard,
} from '../../runner/report/features.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import type { Made } from './made.ts';
import type { Left, Settings } from './program-run.ts';

type Seen = (left: Left, made: Made) => unknown | Promise<unknown>;

export interface Wiring {
  to: unknown | ((made: Made) => unknown);
  /** Settings under which it has an effect. */
  under?: Settings | ((made: Made) => Settings);
  words?: readonly string[];
  /** Where its effect is to be seen, in each of several places; by default in the weights of the SAE. */
  seen?: Seen | readonly Seen[];
  /** What is seen, where that can be said beforehand. */
  gives?: unknown;
  /** The program refuses the value, with this in its line. */
  refused?: RegExp;
  /** The exit code it refuses it with: 2 by default, a user's mistake. */
  code?: number;
}

const first = ({ records: [record] }: Left): EvaluationRecord => {
  if (record === undefined) throw new Error('the run left no record');
  return record;
};
const weights = ({ weights: found }: Left): unknown => found;
const recipe = (name: string) => (left: Left) => first(left).sae.training?.[name];

/** A setting of the recipe: it changes the weights, and the record has it. */
const trained = (to: unknown, under: Settings = {}): Wiring => ({ to, under });

/** 2,048 latents, of which few fire in a batch of 1,024 tokens: AuxK is at work from the second step on. */
const AUX = { 'sae.dSae': 2048, 'sae.k': 2, 'sae.kAux': 8, 'sae.deadThresholdTokens': 1024 };
/** Thresholds that many latents are near. */
const JUMPRELU = { 'sae.architecture': 'jumprelu', 'sae.bandwidth': 0.5, 'sae.initialThreshold': 0.5 };
/** p changes after steps 1 and 3. */
const ANNEALED = {
  'sae.architecture': 'relu',
  'sae.sparsityPEnd': 0.5,
  'sae.annealStartStep': 1,
  'sae.annealEndStep': 3,
  'sae.annealUpdates': 3,
};
const GATED = { 'sae.architecture': 'gated' };
const PROBES = { 'evaluation.suites': ['interpscore'] };
const CORE = { 'evaluation.suites': ['core'], 'evaluation.coreTokens': 256 };
const SETS = { 'evaluation.suites': ['k-sparse', 'tpp', 'scr'], 'probing.sets': ['topic'] };
const ABSORPTION = { 'evaluation.suites': ['absorption'], 'suites.absorption.words': 600 };
const saeProbes = ({ probes }: Made): Settings => ({
  'evaluation.suites': ['sae-probes'],
  'suites.sae-probes.data': probes,
  'suites.sae-probes.tasks': ['117_us_state_FL', '118_us_state_CA'],
  'suites.sae-probes.ks': [2, 8],
});
/** Of two models at one hook. */
const CROSSCODER = `${fileURLToPath(new URL('../fixtures/crosscoder/replication', import.meta.url))}#normScales=0.16+0.17`;
const FEATURES = { 'evaluation.suites': ['features'] };
/** The index of the evidence of the first SAE's latents, and their first file. */
const evidence =
  <T>(see: (index: FeatureIndex, shard: FeatureShard) => T) =>
  async (left: Left): Promise<T> => {
    const at = join(left.folder, 'features', first(left).id);
    const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(at, name), 'utf8'));
    return see(featureIndex.parse(await read('index.json')), featureShard.parse(await read('0.json')));
  };
/** Most contexts of a kind that a latent has. */
const contexts = (kind: 'top' | 'sampled') =>
  evidence((_, { features }) =>
    Math.max(...features.map((each) => each.contexts.filter((one) => one.kind === kind).length)),
  );
/** Most tokens before the one that a latent fires on, and after it. */
const around = (side: 'before' | 'after') =>
  evidence((_, { features }) =>
    Math.max(
      ...features.flatMap((each) =>
        each.contexts.map(({ peak, ids }) => (side === 'before' ? peak : ids.length - 1 - peak)),
      ),
    ),
  );
const CONTROLS = { ...PROBES, 'evaluation.tokens': 2048, 'evaluation.controlTokens': 1024 };

const ids = ({ records }: Left): string[] => records.map(({ id }) => id);
/** What a suite says of the first SAE. */
const suite = (id: string) => (left: Left) => first(left).suites[id];
/** A cell of each row of a suite's table. */
const cells = (id: string, table: string, cell: string) => (left: Left) =>
  first(left).suites[id]?.tables?.[table]?.map((row) => (cell === 'name' ? row.name : row.cells[cell]));
/** Where a suite's curve has points. */
const places = (id: string, curve: string) => (left: Left) =>
  first(left).suites[id]?.curves?.[curve]?.points.map(({ at }) => at);
const sweptTo = (to: unknown, suffixes: string[], under: Settings = {}): Wiring => ({
  to,
  under,
  seen: ids,
  gives: suffixes.map((suffix) => `wiring-l2-${suffix}`),
});

/** Tokens that the last saved state of a training was after, which stopped because its loss blew up. */
async function savedTokens({ folder, outcome }: Left): Promise<number> {
  if (outcome.code !== 2) throw new Error(`the training did not blow up: ${outcome.all}`);
  const generations = (await readdir(join(folder, 'checkpoints'))).sort();
  const stamp = await readFile(join(folder, 'checkpoints', generations.at(-1)!, 'run.json'), 'utf8');
  return (JSON.parse(stamp) as { tokens: number }).tokens;
}
const BLOWS_UP = {
  // Adam without a memory of squares: whatever the start, a gradient that shrinks makes the next update larger.
  'sae.adamBeta1': 0.99,
  'sae.adamBeta2': 0,
  'sae.learningRate': 0.03,
  'sae.learningRateFloor': 0.03,
  // After some six to nine steps, so that a state saved each second step and one saved each fifth differ.
  'sae.warmupSteps': 40,
  'sae.unitNormDecoder': false,
  'sae.gradientClip': 1e9,
  'training.tokens': 61_440,
};

export const wirings: Readonly<Record<string, Wiring>> = {
  name: { to: 'other', seen: ids, gives: ['other-l2'] },
  'model.id': { to: 'lab/other', seen: (left) => first(left).model.id, gives: 'lab/other' },
  'model.reference': {
    to: ({ model }: Made) => model,
    seen: [(left) => first(left).provenance.config?.model, (left) => first(left).caveats.length],
  },
  layers: { to: [1, 2], seen: ids, gives: ['wiring-l1', 'wiring-l2'] },
  'sae.transcode': { to: 'skip', under: { layers: [], hooks: ['mlp_in:1>mlp_out:1'] } },
  hooks: { to: ['mlp_out:1'], seen: ids, gives: ['wiring-l1-mlp-out', 'wiring-l2'] },
  // Tests may have no device but the CPU; that TF32 reaches a session is held in test/unit/onnx/provider-options.test.ts.
  device: { to: 'cpu+tf32', refused: /device: found "cpu\+tf32"; expected TF32 on CUDA alone/ },
  precision: {
    to: 'bfloat16',
    seen: [weights, (left) => first(left).caveats.some((text) => text.includes('computed in bfloat16'))],
  },
  backend: { to: 'graph', seen: [recipe('backend'), weights] },
  threads: { to: 1, seen: (left) => first(left).provenance.threads, gives: 1 },
  spill: {
    to: 'bfloat16',
    // Less than a batch, the SAEs and the model's weights take, more than the first two and its largest part.
    words: ['--memory=529MiB'],
    under: { 'sae.batchTokens': 4096, 'training.tokens': 8192 },
    seen: [weights, (left) => first(left).caveats.some((text) => text.includes('bfloat16'))],
  },
  'corpus.source': { to: ({ text }: Made) => text, seen: [weights, recipe('source')] },
  'corpus.heldout': {
    to: ({ otherText }: Made) => otherText,
    under: ({ text }) => ({ 'corpus.source': text, 'corpus.heldoutShare': 0.2 }),
    seen: (left) => first(left).data?.documents,
  },
  'corpus.heldoutShare': {
    to: 0.3,
    under: ({ text }) => ({ 'corpus.source': text, 'corpus.heldoutShare': 0.2 }),
    seen: [weights, (left) => first(left).data?.documents],
  },
  'corpus.badRows': {
    to: 0,
    under: ({ brokenText }) => ({ 'corpus.source': brokenText }),
    refused: /broken\.jsonl row 3: found/,
    code: 3,
  },
  'corpus.boundaries': { to: 'apart', seen: [weights, recipe('boundaries')] },
  'corpus.trainSeed': { to: 7, seen: [weights, (left) => first(left).provenance.seeds.training_text] },
  'corpus.heldoutSeed': {
    to: 7,
    seen: [(left) => first(left).data?.documents, (left) => first(left).metrics['var_exp@pooled-v1']],
  },
  'corpus.rowTokens': { to: 64, seen: [weights, (left) => first(left).data?.row_tokens] },
  train: {
    to: false,
    under: ({ sae }) => ({ saes: [sae] }),
    seen: ({ records, files }) => [records.length, files.filter((name) => name.startsWith('trajectory'))],
    gives: [1, []],
  },
  saes: { to: ({ sae }: Made) => [sae], seen: ({ records }) => records.length, gives: 2 },

  'sae.architecture': trained('batchtopk'),
  'sae.groupFractions': trained([0.5, 0.5], { 'sae.architecture': 'matryoshka' }),
  'sae.thresholdDecay': trained(0.1, { 'sae.architecture': 'batchtopk' }),
  'sae.sparsityLoss': trained('l0-target-token', JUMPRELU),
  'sae.l0Target': trained(4, JUMPRELU),
  'sae.bandwidth': trained(1, JUMPRELU),
  'sae.initialThreshold': trained(0.25, JUMPRELU),
  'sae.sparsityPenalty': trained(3, JUMPRELU),
  'sae.sparsityWarmupSteps': trained(4, GATED),
  'sae.auxDecoder': trained('frozen', GATED),
  'sae.sparsityNorm': trained('powers', ANNEALED),
  'sae.sparsityP': trained(0.5, { 'sae.architecture': 'relu' }),
  'sae.sparsityPEnd': { ...trained(0.7, ANNEALED), seen: [weights, recipe('sparsityPLast')] },
  'sae.annealStartStep': trained(0, ANNEALED),
  'sae.annealEndStep': trained(4, ANNEALED),
  'sae.annealUpdates': trained(2, ANNEALED),
  'sae.annealQueue': trained(1, ANNEALED),
  'sae.dSae': trained(128),
  'sae.k': trained(8),
  'sae.kAux': trained(16, AUX),
  'sae.alphaAux': trained(0.5, AUX),
  'sae.auxVariant': trained('normalised', AUX),
  'sae.lossReduction': trained('sum'),
  'sae.applyBDecToInput': trained(false),
  'sae.deadCounting': trained('with-step', AUX),
  'sae.normalisation': trained('layer_norm'),
  'sae.deadThresholdTokens': trained(4096, AUX),
  'sae.batchTokens': trained(512),
  'sae.learningRate': trained(0.003),
  'sae.learningRateRule': trained('width'),
  'sae.learningRateFloor': trained(0.001, { 'sae.warmupSteps': 1, 'sae.scheduleSteps': 3 }),
  'sae.warmupSteps': trained(2),
  'sae.decay': trained('linear', { 'sae.warmupSteps': 1, 'sae.scheduleSteps': 6 }),
  'sae.decayStartStep': trained(4, { 'sae.warmupSteps': 1, 'sae.scheduleSteps': 6 }),
  'sae.scheduleSteps': trained(6, { 'sae.warmupSteps': 1 }),
  'sae.gradientClip': trained(0.0001),
  'sae.adamBeta1': trained(0.5),
  'sae.adamBeta2': trained(0.9),
  'sae.adamEpsilon': trained(0.01),
  'sae.adamMoments': trained('bfloat16'),
  'sae.unitNormDecoder': trained(false),
  'sae.removeParallelGradient': trained(true),
  'sae.biasInitSamples': trained(2048),
  'sae.decoderInitNorm': trained(0.1, { 'sae.unitNormDecoder': false }),
  'sae.biasInit': trained('zeros'),
  'sae.weiszfeldIterations': trained(2),
  'sae.seed': trained(1),

  'sweep.architecture': sweptTo(['topk', 'batchtopk'], ['batchtopk', 'topk']),
  'sweep.dSae': sweptTo([64, 128], ['n128', 'n64']),
  'sweep.k': sweptTo([4, 8], ['k4', 'k8']),
  'sweep.kAux': sweptTo([8, 16], ['kaux16', 'kaux8']),
  'sweep.alphaAux': sweptTo([0, 1], ['alpha0', 'alpha1']),
  'sweep.auxVariant': sweptTo(['reference', 'scaled'], ['aux-reference', 'aux-scaled']),
  'sweep.sparsityLoss': sweptTo(['l0', 'l0-target'], ['l0-target', 'l0'], JUMPRELU),
  'sweep.l0Target': sweptTo([4, 8], ['target4', 'target8'], JUMPRELU),
  'sweep.bandwidth': sweptTo([0.25, 0.5], ['bw0.25', 'bw0.5'], JUMPRELU),
  'sweep.initialThreshold': sweptTo([0.25, 0.5], ['threshold0.25', 'threshold0.5'], JUMPRELU),
  'sweep.sparsityPenalty': sweptTo([0.5, 2], ['penalty0.5', 'penalty2'], GATED),
  'sweep.auxDecoder': sweptTo(['frozen', 'trained'], ['frozen', 'trained'], GATED),
  'sweep.sparsityNorm': sweptTo(['lp', 'powers'], ['lp', 'powers'], ANNEALED),
  'sweep.sparsityP': sweptTo([0.5, 2], ['p0.5', 'p2'], { 'sae.architecture': 'relu' }),
  'sweep.sparsityPEnd': sweptTo([0.5, 0.7], ['pend0.5', 'pend0.7'], ANNEALED),
  'sweep.learningRate': sweptTo([0.5, 1], ['lr0.5', 'lr1']),
  'sweep.seed': sweptTo([0, 1], ['s0', 's1']),

  'training.tokens': { to: 8192, seen: (left) => first(left).sae.tokens_trained, gives: 8192 },
  'training.from': trained(({ sae }: Made) => [sae]),
  // Few latents fire on four tokens.
  'training.resampleTokens': { to: 4, under: ({ sae }: Made) => ({ 'training.from': [sae] }) },
  'training.checkpointTokens': { to: 5120, under: BLOWS_UP, seen: savedTokens },
  'training.logSteps': {
    to: 2,
    seen: (left) => first(left).trajectory?.points.map(({ step }) => step),
    gives: [1, 2, 4, 5, 6],
  },
  'training.snapshots': {
    to: 'bfloat16',
    seen: ({ files }) => files.filter((name) => /^snapshots.*safetensors$/.test(name)).length,
    gives: 3,
  },
  'training.log': {
    to: 'tensorboard',
    seen: ({ files }) => files.some((name) => /^tensorboard.L\d+.events\.out\.tfevents\./.test(name)),
    gives: true,
  },
  'training.activations.type': { to: 'bfloat16' },
  'training.activations.gigabytes': {
    to: 1,
    words: ['--cache=4GiB'],
    // An earlier test may have kept them.
    seen: ({ outcome }) =>
      /activations (are kept for later runs|that an earlier run kept are read)/.test(outcome.all),
    gives: true,
  },
  'training.shuffle.megabytes': {
    to: 1,
    seen: [weights, recipe('shuffleMegabytes')],
  },
  'training.shuffle.onDisk': {
    to: true,
    under: { ...BLOWS_UP, 'training.shuffle.megabytes': 1 },
    // The folder is made for the buffer's file alone, which goes with the buffer.
    seen: ({ folder }) => existsSync(join(folder, 'shuffle')),
    gives: true,
  },
  'training.policy.dropFirst': {
    to: 1,
    seen: [weights, (left) => (recipe('tokensDropped')(left) as number) > 0],
  },
  'training.policy.highNorm': {
    to: 'drop',
    under: { 'training.policy.highNorm': 'cap', 'training.policy.highNormFactor': 1 },
    seen: [weights, (left) => (recipe('tokensDropped')(left) as number) > 0],
  },
  'training.policy.highNormFactor': {
    to: 1.2,
    under: { 'training.policy.highNorm': 'cap', 'training.policy.highNormFactor': 1 },
    seen: recipe('normsCapped'),
  },

  'probing.tasks': {
    to: ['sentiment'],
    under: PROBES,
    seen: cells('interpscore', 'probes', 'name'),
    gives: ['sentiment'],
  },
  'probing.sets': {
    to: [],
    under: SETS,
    seen: (left) => first(left).exclusions?.map(({ suite }) => suite),
    gives: ['k-sparse', 'tpp', 'scr'],
  },
  'probing.scrPairs': {
    to: [{ set: 'topic', positive: 'cooking', negative: 'music' }],
    under: SETS,
    seen: (left) => first(left).suites.scr?.tables?.pairs?.length,
    gives: 1,
  },
  'validation.tokens': { to: 1024, seen: ({ validation }) => validation },
  'validation.seed': { to: 7, under: { 'validation.tokens': 1024 }, seen: ({ validation }) => validation },
  'upload.repository': {
    to: 'lab/sent',
    seen: (_, { hub }) => hub.find('model', 'lab/sent')?.refs.size,
    gives: 1,
  },
  'upload.everyTokens': {
    to: 2048,
    // So long that an upload on the way ends before the training does.
    under: { 'upload.repository': 'lab/often', 'upload.everyTokens': 100_000, 'training.tokens': 32_768 },
    // Commits that hold the state of a training on its way.
    seen: (_, { hub }) =>
      [...hub.find('model', 'lab/often')!.commits.values()].some((tree) => tree.has('resume/state.json')),
    gives: true,
  },
  'upload.private': {
    to: false,
    under: { 'upload.repository': 'lab/seen' },
    seen: (_, { hub }) => {
      const at = hub.repositories.findIndex(({ name }) => name === 'lab/seen');
      const [found] = hub.repositories.splice(at, 1);
      return found?.private;
    },
    gives: false,
  },
  'live.budget': {
    to: 1_000,
    seen: async (left) => {
      const file = join(left.folder, '../../content/live/wiring', `${first(left).id}.json`);
      return 'none' in JSON.parse(await readFile(file, 'utf8'));
    },
    gives: true,
  },

  'evaluation.tokens': { to: 2048, seen: (left) => first(left).data?.tokens, gives: 2048 },
  'evaluation.controlTokens': {
    to: 0,
    under: CONTROLS,
    seen: (left) => first(left).controls?.tokens,
    gives: undefined,
  },
  'evaluation.untrainedProbes': {
    to: false,
    under: CONTROLS,
    seen: (left) =>
      first(left)
        .controls?.values.filter(({ control }) => control === 'untrained')
        .map(({ id }) => id),
    gives: [
      'var_exp@pooled-v1',
      'loss_recovered@interpscore-0.0.1',
      'alive@v1',
      'l0_score@interpscore-0.0.1',
    ],
  },
  'evaluation.documentTokens': {
    to: 40,
    seen: [(left) => first(left).data?.documents?.count, (left) => first(left).data?.split],
  },
  'evaluation.probeTexts': {
    to: 80,
    under: PROBES,
    seen: cells('interpscore', 'probes', 'train_rows'),
    gives: [64, 64],
  },
  'evaluation.probeTokens': { to: 6, under: PROBES, seen: cells('interpscore', 'probes', 'auroc') },
  'evaluation.probeSeed': { to: 3, under: PROBES, seen: cells('interpscore', 'probes', 'auroc') },
  'evaluation.splitSeeds': {
    to: 2,
    under: PROBES,
    seen: cells('interpscore', 'probes', 'split_seeds'),
    gives: [
      [0, 1, 2],
      [0, 1, 2],
    ],
  },
  'evaluation.suites': {
    to: ['core'],
    under: { 'evaluation.coreTokens': 256 },
    seen: cells('core', 'text', 'tokens'),
    gives: [256],
  },
  'evaluation.ownSuites': {
    to: [{ id: 'mine', file: 'mine.ts', sha256: '0'.repeat(64) }],
    refused: /suite mine: found settings that name it, and no file/,
  },
  'evaluation.coreTokens': {
    to: 512,
    under: CORE,
    seen: cells('core', 'text', 'tokens'),
    gives: [512],
  },
  'evaluation.setTrainTexts': {
    to: 24,
    under: SETS,
    seen: suite('k-sparse'),
  },
  'evaluation.setTestTexts': {
    to: 12,
    under: SETS,
    seen: suite('k-sparse'),
  },
  'evaluation.setTokens': { to: 8, under: SETS, seen: suite('k-sparse') },
  'evaluation.kValues': {
    to: [1, 3],
    under: SETS,
    seen: places('k-sparse', 'accuracy'),
    gives: [1, 3],
  },
  'evaluation.nValues': {
    to: [1, 4],
    under: SETS,
    seen: places('tpp', 'tpp'),
    gives: [1, 4],
  },
  'suites.sae-probes.data': {
    to: ({ otherProbes }: Made) => otherProbes,
    under: saeProbes,
    seen: suite('sae-probes'),
  },
  'suites.sae-probes.tasks': {
    to: ['118_us_state_CA'],
    under: saeProbes,
    seen: cells('sae-probes', 'data_sets', 'name'),
    gives: ['118_us_state_CA'],
  },
  'suites.sae-probes.ks': {
    to: [1, 3],
    under: saeProbes,
    seen: places('sae-probes', 'f1'),
    gives: [1, 3],
  },
  'suites.sae-probes.penalty': { to: 'l2', under: saeProbes, seen: suite('sae-probes') },
  'suites.sae-probes.tokens': { to: 4, under: saeProbes, seen: suite('sae-probes') },
  // The embedded model cannot spell: what the task is made of shows in what is left out of it. What the other settings do
  // is held by test/unit/suites/absorption-suite.test.ts, with a residual that spells.
  'suites.absorption.words': { to: 100, under: ABSORPTION, seen: (left) => first(left).exclusions },
  'suites.absorption.examples': { to: 300, under: ABSORPTION, refused: /suites\.absorption\.examples/ },
  'suites.absorption.latents': { to: 0, under: ABSORPTION, refused: /suites\.absorption\.latents/ },
  'suites.absorption.f1Jump': { to: 2, under: ABSORPTION, refused: /suites\.absorption\.f1Jump/ },
  'evaluation.similarityOperations': {
    to: 0,
    seen: ({ similarity }) =>
      similarity?.pairs.map((pair) =>
        'reason' in pair ? /similarityOperations allows 0/.test(pair.reason) : null,
      ),
    gives: [true],
  },
  'suites.features.budget': {
    to: 100_000,
    under: FEATURES,
    seen: evidence(({ columns }) => columns.choice.includes('random')),
    gives: true,
  },
  'suites.features.ablated': {
    to: 3,
    under: { ...FEATURES, 'suites.features.ablatedShare': 1 },
    seen: evidence(({ columns }) => columns.effect?.filter((effect) => effect !== null).length),
    gives: 3,
  },
  'suites.features.ablatedShare': {
    to: 0.25,
    under: { ...FEATURES, 'suites.features.ablated': 1 },
    seen: evidence(({ columns }) => columns.effect?.filter((effect) => effect !== null)),
  },
  'suites.features.top': { to: 2, under: FEATURES, seen: contexts('top'), gives: 2 },
  // Of few rows those that are not among the strongest.
  'suites.features.sampled': {
    to: 1,
    under: { ...FEATURES, 'suites.features.top': 1 },
    seen: contexts('sampled'),
    gives: 1,
  },
  'suites.features.before': { to: 3, under: FEATURES, seen: around('before'), gives: 3 },
  'suites.features.after': { to: 2, under: FEATURES, seen: around('after'), gives: 2 },
  // A copy of the embedded model in the place of its own: what is seen is that the record names its other.
  'evaluation.transferFrom': {
    to: ({ model }: Made) => model,
    under: ({ sae }: Made) => ({ train: false, saes: [sae] }),
    seen: (left) => first(left).transfer?.record ?? null,
    gives: 'wiring-own-model-l2-sae-l2-latest',
  },
  // The second place of the crosscoder among the fixtures in a copy of the embedded model: what is seen is which models it names.
  'evaluation.otherModel': {
    to: ({ model }: Made) => model,
    under: { train: false, saes: [CROSSCODER], 'evaluation.otherModel': 'interpboard/small-world' },
    seen: (left) => first(left).sae.other_model?.id ?? null,
    gives: 'model',
  },
  'evaluation.pairEvery': { to: true, seen: (left) => Object.keys(first(left).paired!.draws).length > 12 },
  'evaluation.resamples': { to: 30, seen: (left) => first(left).paired?.count, gives: 30 },
  'evaluation.seed': { to: 5, seen: (left) => first(left).metrics['var_exp@pooled-v1'] },
};
