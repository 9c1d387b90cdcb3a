/** What the parts of a language model weigh, from headers alone: the embedding, each block, the head. */

import { type Hook, hookOf } from '../hook.ts';
import { Graph, type Precision, type Value } from '../onnx/graph.ts';
import { countOf } from '../onnx/tensors.ts';
import { type Aside, throughBlock } from './blocks/block.ts';
import { type Build, startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Family, headInput } from './families/family.ts';

export interface WeightSize {
  /** In the precision in which programs hold it. */
  bytes: number;
  /** That take part in a product: of a quantised weight those that it stands for. */
  numbers: number;
}

/** The tensors that one part reads. */
export type PartWeights = ReadonlyMap<string, WeightSize>;

export interface ModelParts {
  embedding: PartWeights;
  blocks: readonly PartWeights[];
  head: PartWeights;
}

/**
 * Builds every part once and throws the programs away.
 *
 * @param precision default float32
 * @throws MalformedError for a tensor that is missing or has the wrong shape
 */
export function partsOf(
  checkpoint: Checkpoint,
  family: Family,
  precision: Precision = 'float32',
): ModelParts {
  const size = precision === 'float32' ? 4 : 2;
  const weights = (part: (build: Build, residual: Value) => Value): PartWeights => {
    const graph = new Graph();
    const build = startBuild(graph, checkpoint, graph.int64s([1, 1]), 1);
    const found = new Map<string, WeightSize>();
    part(
      {
        ...build,
        weight(name, shape, part) {
          const numbers = countOf(shape);
          found.set(name, { bytes: size * numbers, numbers });
          return build.weight(name, shape, part);
        },
        rows(name, shape, ids) {
          const { start = 0, end = 0 } = checkpoint.tensors.get(name) ?? {};
          found.set(name, { bytes: end - start, numbers: countOf(shape) });
          return build.rows(name, shape, ids);
        },
        bytes(name, shape, part) {
          // Two numbers to a byte.
          const numbers = 2 * countOf(shape);
          found.set(name, { bytes: size * numbers, numbers });
          return build.bytes(name, shape, part);
        },
      },
      graph.floats(new Float32Array(family.dModel), [1, family.dModel]),
    );
    return found;
  };
  return {
    embedding: weights((build) => family.embed(build, build.graph.int32s([0], [1, 1]), new Map())),
    blocks: Array.from({ length: family.blocks }, (_, block) =>
      weights((build, residual) =>
        throughBlock(
          build,
          family.block(block),
          residual,
          asideAt(build, family, hookOf({ layer: block, site: 'resid_pre' })),
        ),
      ),
    ),
    head: weights((build, residual) => {
      const aside = asideAt(build, family, hookOf(family.blocks - 1));
      return family.head(build, headInput(family, build, residual, aside));
    }),
  };
}

/** Stands for what the blocks before would have made. */
function asideAt({ graph }: Build, family: Family, place: Hook): Aside {
  const widths = [...(family.aside?.(place) ?? new Map<string, number>())];
  return new Map(widths.map(([name, width]) => [name, graph.floats(new Float32Array(width), [1, width])]));
}

interface PartRange {
  first: number;
  last: number;
  embedding: boolean;
  head: boolean;
}

/** Bytes of the blocks `first` to `last` with the ends, each tensor counted once: a tied head is the embedding. */
export function bytesOf(parts: ModelParts, range: PartRange): number {
  return [...weightsOf(parts, range).values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Numbers of the blocks `first` to `last` with the ends, counted like bytes. */
export function numbersOf(parts: ModelParts, range: PartRange): number {
  return [...weightsOf(parts, range).values()].reduce((sum, { numbers }) => sum + numbers, 0);
}

function weightsOf(parts: ModelParts, { first, last, embedding, head }: PartRange): PartWeights {
  const all = [
    ...(embedding ? [parts.embedding] : []),
    ...parts.blocks.slice(first, last + 1),
    ...(head ? [parts.head] : []),
  ];
  return new Map(all.flatMap((part) => [...part]));
}
