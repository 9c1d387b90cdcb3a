import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';

/** Rotary positions (Su et al. 2021): the first 2·frequencies.length numbers of each head turn. */
export interface Rotary {
  /** Angle per position of each pair. */
  frequencies: Float32Array;
  /** Factor of cos and sin (attention factor of yarn and longrope). */
  factor: number;
  /** Whether neighbours turn together, instead of numbers half a turned part apart. */
  interleaved?: boolean;
  /** Other angles for rows of more than `above` tokens (longrope). */
  long?: { frequencies: Float32Array; above: number };
}

interface Tables {
  cos: Value;
  sin: Value;
}

// All blocks of a segment that turn alike use the same tables.
const made = new WeakMap<Build, Map<Rotary, Tables>>();

/** cos and sin of position·frequency for every position, [maxTokens, frequencies.length]. */
export function rotaryTables(build: Build, rotary: Rotary): Tables {
  const known = made.get(build) ?? new Map<Rotary, Tables>();
  made.set(build, known);
  const tables = known.get(rotary) ?? makeTables(build, rotary);
  known.set(rotary, tables);
  return tables;
}

function makeTables(build: Build, { frequencies, factor, long }: Rotary): Tables {
  const tables = tablesOf(build, frequencies, factor);
  if (long === undefined || build.maxTokens <= long.above) return tables;
  const { graph } = build;
  const others = tablesOf(build, long.frequencies, factor);
  const tokens = graph.node('Gather', [build.rowsAndTokens, graph.int64s([1])]);
  const isLong = graph.node('Greater', [tokens, graph.int64s([long.above])]);
  return {
    cos: graph.node('Where', [isLong, others.cos, tables.cos]),
    sin: graph.node('Where', [isLong, others.sin, tables.sin]),
  };
}

function tablesOf(build: Build, frequencies: Float32Array, factor: number): Tables {
  const half = frequencies.length;
  const cos = new Float32Array(build.maxTokens * half);
  const sin = new Float32Array(build.maxTokens * half);
  for (let position = 0; position < build.maxTokens; position++) {
    for (let i = 0; i < half; i++) {
      // The angle is a float32 product, as the models were trained with it so.
      const angle = Math.fround(position * frequencies[i]!);
      cos[position * half + i] = Math.cos(angle) * factor;
      sin[position * half + i] = Math.sin(angle) * factor;
    }
  }
  const shape = [build.maxTokens, half];
  return { cos: build.graph.floats(cos, shape), sin: build.graph.floats(sin, shape) };
}

/** Turns x [rows, tokens, heads·headSize] by its positions 0..tokens−1. */
export function rotate(build: Build, x: Value, heads: number, rotary: Rotary): Value {
  const { cos, sin } = rotaryTables(build, rotary);
  return build.graph.node('RotaryEmbedding', [x, build.graph.int64s([0]), cos, sin], {
    domain: 'com.microsoft',
    attributes: {
      num_heads: heads,
      rotary_embedding_dim: 2 * rotary.frequencies.length,
      interleaved: rotary.interleaved ? 1 : 0,
    },
  });
}
