/** Probabilities and magnitudes of the features, as the configuration distributes them. */
import { random } from '../math/random.ts';
import { torchRandn } from '../math/torch-random.ts';
import type { Magnitude, SyntheticConfig } from './config.ts';

/** Base probabilities, before what a hierarchy does to them. */
export function firingProbabilities({
  num_features: n,
  firing_probability: given,
  seed,
}: SyntheticConfig): Float64Array {
  if (given.generator_name === 'constant') return new Float64Array(n).fill(given.probability);
  const { max_prob: most, min_prob: least } = given;
  const between = (share: number): number => least + (most - least) * share;
  switch (given.generator_name) {
    case 'zipfian': {
      const last = n ** -given.exponent;
      return Float64Array.from({ length: n }, (_, i) =>
        between(((i + 1) ** -given.exponent - last) / (1 - last)),
      );
    }
    case 'linear':
      return Float64Array.from({ length: n }, (_, i) => between(1 - i / (n - 1)));
    case 'random': {
      const stream = random('firing probabilities', seed ?? 0);
      return Float64Array.from({ length: n }, () => between(stream.next()));
    }
  }
}

/**
 * A published model does not hold these: they are made again, those that are drawn by its seed.
 *
 * @param seed of torch's generator; without one nobody can make the same again, and they are drawn here
 */
export function magnitudes(n: number, given: Magnitude, seed: number | null): Float32Array {
  if (typeof given === 'number') return new Float32Array(n).fill(given);
  const share = (i: number): number => i / (n - 1);
  switch (given.generator_name) {
    case 'constant':
      return new Float32Array(n).fill(given.value);
    case 'linear':
      return Float32Array.from({ length: n }, (_, i) => given.start + (given.end - given.start) * share(i));
    case 'exponential':
      return Float32Array.from({ length: n }, (_, i) => given.start * (given.end / given.start) ** share(i));
    case 'folded_normal': {
      const own = random('magnitudes');
      const normals =
        seed === null ? Float32Array.from({ length: n }, () => own.gaussian()) : torchRandn(n, seed);
      const { mean, std, min_value, max_value } = given;
      return normals.map((value) =>
        Math.min(
          max_value ?? Number.POSITIVE_INFINITY,
          Math.max(min_value ?? 0, Math.abs(mean + value * std)),
        ),
      );
    }
  }
}
