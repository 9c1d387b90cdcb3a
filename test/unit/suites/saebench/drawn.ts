/** The activations and the SAE that test/fixtures/saebench/make_concepts.py draws, as both sides draw them. */
import { cpythonRandom } from '../../../../runner/math/cpython-random.ts';
import { resampleWithinClasses } from '../../../../runner/metrics/bootstrap.ts';
import type { DenseFeatures } from '../../../../runner/probes/features.ts';
import { encode } from '../../../../runner/sae/reference.ts';
import type { TopKSae } from '../../../../runner/sae/sae.ts';
import { balanced, type ConceptPlan, type ConceptSet } from '../../../../runner/suites/concepts.ts';
import golden from '../../../fixtures/saebench/concepts.json' with { type: 'json' };

export { golden };

const { width, latents, k, tokens, train, test, classes } = golden;
export const TEXTS = train + test;

export interface Drawn {
  sae: TopKSae;
  /** [class][text][tokens · width] */
  x: Float32Array[][];
}

export function drawn(): Drawn {
  const stream = cpythonRandom(golden.seed);
  const small = (): number => Math.fround(stream.random() - 0.5);
  const vector = (length: number): Float32Array => Float32Array.from({ length }, small);
  const sae: TopKSae = {
    architecture: 'topk',
    d_in: width,
    d_sae: latents,
    k,
    rescale_acts_by_decoder_norm: false,
    apply_b_dec_to_input: true,
    normalisation: { kind: 'none' },
    W_enc: vector(width * latents),
    W_dec: vector(latents * width),
    b_enc: vector(latents),
    b_dec: vector(width),
  };
  const [ofClass, ofAttribute] = [vector(width), vector(width)];
  const x = classes.map((_, label) => {
    const [hasClass, hasAttribute] = [label < 2 ? 1 : 0, label % 2 === 0 ? 1 : 0];
    return Array.from({ length: TEXTS }, () => {
      const text = Array.from({ length: width }, () => 2 * (stream.random() - 0.5));
      return Float32Array.from({ length: tokens * width }, (_, at) => {
        const i = at % width;
        const planted = text[i]! + ofClass[i]! * hasClass + 2 * ofAttribute[i]! * hasAttribute;
        return 4 * (planted + 2 * (stream.random() - 0.5));
      });
    });
  });
  return { sae, x };
}

/**
 * Token means of x and z, a row per text, class by class.
 *
 * @param length tokens of a text that are not padding
 */
export function pooled(
  { sae, x }: Drawn,
  length: (text: number) => number = () => tokens,
): { latents: DenseFeatures; residual: DenseFeatures } {
  const rows = classes.length * TEXTS;
  const z = { values: new Float32Array(rows * latents), rows, columns: latents };
  const means = { values: new Float32Array(rows * width), rows, columns: width };
  x.flat().forEach((text, row) => {
    const count = length(row % TEXTS);
    const found = encode(sae, text.subarray(0, count * width), count);
    const sums = new Float64Array(latents);
    found.indices.forEach((latent, slot) => {
      sums[latent]! += found.values[slot]!;
    });
    for (let j = 0; j < latents; j++) z.values[row * latents + j] = sums[j]! / count;
    for (let i = 0; i < width; i++) {
      let total = 0;
      for (let t = 0; t < count; t++) total += text[t * width + i]!;
      means.values[row * width + i] = total / count;
    }
  });
  return { latents: z, residual: means };
}

/** Row number of a text. */
export function rowOf(label: number, text: number): number {
  return label * TEXTS + text;
}

export const set: ConceptSet = {
  name: 'drawn',
  data: 'drawn',
  classes,
  labels: Uint8Array.from({ length: classes.length * TEXTS }, (_, row) => Math.floor(row / TEXTS)),
  train: Int32Array.from({ length: classes.length * train }, (_, i) =>
    rowOf(Math.floor(i / train), i % train),
  ),
  test: Int32Array.from({ length: classes.length * test }, (_, i) =>
    rowOf(Math.floor(i / test), train + (i % test)),
  ),
  texts: Array.from({ length: classes.length * TEXTS }, (_, row) => `text ${row}`),
};

/** The plan with negatives taken in order, as the maker has SAEBench take them. */
export function planInOrder(): ConceptPlan {
  const part = (rows: Int32Array): number[][] =>
    classes.map((_, label) => Array.from(rows).filter((row) => set.labels[row] === label));
  const place = new Map(Array.from(set.test, (row, i) => [row, i]));
  return {
    set,
    resamples: resampleWithinClasses(
      set.test.map((row) => set.labels[row]!),
      { count: 200 },
    ),
    train_rows: 2 * train,
    test_rows: 2 * test,
    tasks: classes.map((name, target) => {
      const training = balanced(part(set.train), target);
      const testing = balanced(part(set.test), target);
      return {
        name,
        train: training.rows,
        trainLabels: training.labels,
        test: testing.rows,
        testLabels: testing.labels,
        places: testing.rows.map((row) => place.get(row)!),
      };
    }),
  };
}
