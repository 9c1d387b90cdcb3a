/** Which latent of an SAE is which true feature: by |cosine| of their directions, as sae_lens.synthetic has it. */

import { UserError } from '../errors.ts';
import { formatBytes } from '../io/bytes.ts';
import { assignLargest } from '../math/assignment.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import { providerOf } from '../onnx/devices.ts';
import { Graph, type Program, type Provider } from '../onnx/graph.ts';
import { float32, floatsOf, openSession } from '../onnx/session.ts';
import type { Matching } from '../suites/truth.ts';
import { normaliseRows } from '../synthetic/dictionary.ts';
import type { MakingOptions } from './reconstructors.ts';

/** Rows of the matrix of cosines that are computed together: 64 MiB at 16,384 columns. */
const CHUNK = 1_024;
/** Bytes of the matrix (4 GiB): 32,768 latents and as many features. */
const LIMIT = 2 ** 32;
/**
 * @param directions [latents, d]
 * @param vectors [features, d]
 * @throws UserError where the matrix of their cosines is above 4 GiB
 */
export async function matchFeatures(
  directions: Float32Array,
  vectors: Float32Array,
  d: number,
  options: Pick<MakingOptions, 'device' | 'threads'>,
): Promise<Matching> {
  const latents = directions.length / d;
  const features = vectors.length / d;
  const bytes = 4 * latents * features;
  if (bytes > LIMIT) {
    throw new UserError({
      thing: 'suite ground-truth',
      found: `${latents} latents and ${features} features, whose cosines take ${formatBytes(bytes)}`,
      expected: `at most ${formatBytes(LIMIT)}`,
      next: 'Use a smaller SAE or synthetic model.',
    });
  }
  // The assignment takes rows of the smaller side.
  const turned = latents > features;
  const [rows, columns] = turned ? [features, latents] : [latents, features];
  const [above, beside] = turned ? [vectors, directions] : [directions, vectors];
  const cosines = await absoluteCosines(unitRows(above, d), unitRows(beside, d), d, options);
  const best = new Int32Array(latents);
  const cosine = new Float32Array(latents).fill(-1);
  const nearest = new Float32Array(features).fill(-1);
  for (let i = 0, at = 0; i < rows; i++) {
    cancellationPoint();
    for (let j = 0; j < columns; j++, at++) {
      // Rounding leaves equal directions a hair above 1.
      const value = Math.min(1, cosines[at]!);
      cosines[at] = value;
      const [latent, feature] = turned ? [j, i] : [i, j];
      if (value > cosine[latent]!) {
        cosine[latent] = value;
        best[latent] = feature;
      }
      if (value > nearest[feature]!) nearest[feature] = value;
    }
  }
  const assigned = assignLargest(cosines, rows, columns);
  const partner = new Int32Array(features).fill(-1);
  let sum = 0;
  assigned.forEach((j, i) => {
    sum += cosines[i * columns + j]!;
    partner[turned ? i : j] = turned ? j : i;
  });
  return { best, cosine, nearest, partner, mcc: sum / rows, uniqueness: new Set(best).size / latents };
}

function unitRows(values: Float32Array, d: number): Float32Array {
  const unit = values.slice();
  normaliseRows(unit, d);
  return unit;
}

async function absoluteCosines(
  above: Float32Array,
  beside: Float32Array,
  d: number,
  { device, threads }: Pick<MakingOptions, 'device' | 'threads'>,
): Promise<Float32Array> {
  const [rows, columns] = [above.length / d, beside.length / d];
  const found = new Float32Array(rows * columns);
  const session = await openSession(cosineProgram(beside, columns, d, providerOf(device)), {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    for (let from = 0; from < rows; from += CHUNK) {
      const to = Math.min(rows, from + CHUNK);
      const part = float32(above.subarray(from * d, to * d), [to - from, d]);
      found.set(floatsOf(await session.run({ rows: part }), 'cosines'), from * columns);
    }
  } finally {
    await session.close();
  }
  return found;
}

export function cosineProgram(
  beside: Float32Array,
  columns: number,
  d: number,
  provider?: Provider,
): Program {
  const graph = new Graph('', { provider });
  const rows = graph.input('rows', 'float32', ['N', d]);
  const product = graph.node('Gemm', [rows, graph.floats(beside, [columns, d])], {
    attributes: { transB: 1 },
  });
  graph.output(graph.node('Abs', [product]), 'cosines', 'float32', ['N', columns]);
  return graph.program();
}
