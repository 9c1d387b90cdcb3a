/** Of synthetic models, and of what is measured where true features are known. */
import { type Mutation, of } from './mutation.ts';

const synthetic = of('synthetic');
const evaluation = of('evaluation');
const suites = of('suites');
const job = of('job');

const MODEL = 'test/unit/synthetic/model.test.ts';
const TRUTH = 'test/unit/suites/ground-truth.test.ts';
const SAMPLES = 'test/unit/job/training-data/sample-activations.test.ts';
const ASSIGNMENT = 'test/unit/math/assignment.test.ts';

export const syntheticMutations: readonly Mutation[] = [
  job('evaluation/heldout-samples.ts', 'sampleBatch(`heldout', 'sampleBatch(`training', SAMPLES),
  job(
    'training-data/sample-activations.ts',
    'rows: position.rows + rows }',
    'rows: position.rows }',
    SAMPLES,
  ),
  synthetic('samples.ts', 'if (value[above]! <= 0) value[feature] = 0;', 'if (value[above]! < 0) {}', MODEL),
  synthetic('samples.ts', 'random.integer(found.count) === 0', 'found.count > 99', MODEL),
  synthetic('samples.ts', 'for (const feature of active) value[feature] = 1;', '', MODEL),
  synthetic('samples.ts', '-normalThreshold(p) * scale[i]!', '-normalThreshold(p)', MODEL),
  synthetic('samples.ts', 'shared[r] = random.gaussian()', 'shared[r] = 0', MODEL),
  synthetic('samples.ts', 'row.set(bias);', 'row.fill(0);', MODEL),
  synthetic('layout.ts', 'seed === null ? null : seed + 1', 'seed === null ? null : seed + 2', MODEL),
  synthetic('tree.ts', '* (1 + Math.max(0, others) / above)', '', MODEL),
  synthetic('tree.ts', 'own >= features || forest.depth[own]! >= 0', 'own >= features', MODEL),
  synthetic('dictionary.ts', '4 * n * (squared - 1)', '2 * n * (squared - 1)', MODEL),
  synthetic('generate.ts', 'if (existsSync(join(folder, CONFIG_FILE))) return folder;', '', MODEL),
  evaluation('matching.ts', 'mcc: sum / rows', 'mcc: sum / latents', TRUTH),
  evaluation('matching.ts', 'best[latent] = feature;', 'best[latent] = 0;', TRUTH),
  evaluation('truth-pass.ts', "shuffle(order, random('permuted decoder', options.seed, sha256));", '', TRUTH),
  evaluation('truth-pass.ts', 'firings[block * features + feature]!++;', 'firings[feature]!++;', TRUTH),
  evaluation('oracle.ts', 'b_enc[f] = rate * size - offset;', 'b_enc[f] = rate * size;', TRUTH),
  evaluation('oracle.ts', 'const value = w[i]! / passed;', 'const value = vectors[f * d + i]!;', TRUTH),
  suites('ground-truth/detectors.ts', '- on + 2 * hit', '- on + hit', TRUTH),
  suites('ground-truth/detectors.ts', 'const recall = on > 0', 'const recall = on > 1e9', TRUTH),
  suites('ground-truth/detectors.ts', 'weights[b * blocks + block]!', '1', TRUTH),
  suites(
    'ground-truth/pictures.ts',
    'matched: share(members, (count) => count === 1)',
    'matched: share(members, (count) => count > 0)',
    TRUTH,
  ),
  of('math')(
    'assignment.ts',
    'prices[at]! + (best - second)',
    'prices[at]! + 2 * (best - second)',
    ASSIGNMENT,
  ),
];
