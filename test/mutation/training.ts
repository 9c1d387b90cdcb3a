/** Changes of training: its steps, its buffer, its checkpoints. */
import { type Mutation, of } from './mutation.ts';

const train = of('train');

const HELD = 'test/unit/job/training-data/held-activations.test.ts';

export const trainingMutations: readonly Mutation[] = [
  train(
    'reconstruction-loss.ts',
    "graph.node('Gemm', [slopes[0]!, x], { attributes: { transA: 1 } })",
    "graph.node('Gemm', [slopes.at(-1)!, x], { attributes: { transA: 1 } })",
    'test/unit/train/backends.test.ts',
  ),
  train(
    'token-policy.ts',
    'token % rowTokens < policy.dropFirst',
    'token % rowTokens <= policy.dropFirst',
    'test/unit/train/token-policy.test.ts',
  ),
  train('held-norms.ts', 'token: rows[found.token]!', 'token: found.token', HELD),
  train('token-policy.ts', '*= limit / found', '*= 1', 'test/unit/train/token-policy.test.ts'),
  train(
    'shuffle-buffer.ts',
    'this.#random.integer(capacity)',
    'this.#random.integer(1)',
    'test/unit/train/shuffle-buffer.test.ts',
  ),
  train('held-rows.ts', 'tokens[from + i]!', 'tokens[i]!', 'test/unit/train/shuffle-buffer.test.ts'),
  train('device-rows.ts', '(token) => x.rows[token]!', '(token) => token', HELD),
  train('normalise.ts', 'Math.fround(normalisation.scale)', 'normalisation.scale', HELD),
  train('shuffle-buffer.ts', 'this.#free.push(...this.#taken);', '', HELD),
  train(
    'dead-clock.ts',
    'if (silent[j]! >= least) count++;',
    'if (silent[j]! > least) count++;',
    'test/unit/train/dead-clock.test.ts',
  ),
  train(
    'schedule.ts',
    '(peak * step) / warmupSteps',
    '(peak * step) / (warmupSteps + 1)',
    'test/unit/train/schedule.test.ts',
  ),
  train('normalise.ts', 'squares / (d - 1)', 'squares / d', 'test/unit/train/normalise.test.ts'),
  train(
    'trajectory.ts',
    'step % every === 0 || isLogSpaced(step)',
    'isLogSpaced(step)',
    'test/unit/train/trainer.test.ts',
  ),
  train(
    'scale.ts',
    'return centredSquares > ROUNDING * squares;',
    'return true;',
    'test/unit/train/trainer-stops.test.ts',
  ),
  train(
    'streams.ts',
    'random(purpose, seed, layer, site)',
    'random(purpose, seed, site)',
    'test/unit/train/init.test.ts',
  ),
  train(
    'sae-trainer.ts',
    "hookStream('token order', recipe.seed, hook)",
    "hookStream('token order', 0, hook)",
    'test/unit/train/trainer.test.ts',
  ),
  train(
    'sae-trainer.ts',
    'this.#clock.advance(result.fired, recipe.batchTokens);',
    '',
    'test/unit/train/trainer.test.ts',
  ),
];
