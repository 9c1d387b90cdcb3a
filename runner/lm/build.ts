import { MalformedError, quote } from '../errors.ts';
import { type FloatType, isFloatType, type NumberType } from '../formats/number-types.ts';
import type { ElementType, Graph, Value } from '../onnx/graph.ts';
import { type AttentionKernels, allKernels } from '../onnx/kernels.ts';
import type { Checkpoint } from './checkpoint.ts';
import { blockSizeOf, dequantised, isFp8, SCALES, scalesShape } from './fp8.ts';
import { cutRows, type TensorPlace } from './stored-tensors.ts';

const elementOf: Record<FloatType, ElementType> = {
  F16: 'float16',
  BF16: 'bfloat16',
  F32: 'float32',
  F64: 'float64',
};

/**
 * One segment under construction: the graph, the checkpoint its weights come from, and the two sizes known only
 * when it runs. Inside a segment activations are [rows·tokens, width].
 */
export interface Build {
  graph: Graph;
  /** int64 [2]: rows and tokens of the batch. */
  rowsAndTokens: Value;
  /** Longest row the rotary tables must cover. */
  maxTokens: number;
  /** What the device it will run on does right. */
  kernels: AttentionKernels;
  /**
   * A weight in the graph's precision, read from where it lies in the checkpoint; of several that are stored together, one.
   * One of eight bits is multiplied by its scales.
   *
   * @param shape as it is stored
   * @param part which of those along the first axis, as a weight of its own; default: the whole
   * @throws MalformedError when the checkpoint lacks it or it has another shape or type
   */
  weight(name: string, shape: readonly number[], part?: number): Value;
  /**
   * Rows of a table of floating numbers, in the graph's precision: on a CPU they are chosen before they are widened, so that a
   * table of which a text needs little is not held in another type.
   *
   * @param ids int32, of any shape
   * @throws MalformedError as `weight`
   */
  rows(name: string, shape: readonly [count: number, width: number], ids: Value): Value;
  /**
   * Bytes of a quantised weight as they are stored, uint8.
   *
   * @throws MalformedError as `weight`
   */
  bytes(name: string, shape: readonly number[], part?: number): Value;
}

export function startBuild(
  graph: Graph,
  checkpoint: Checkpoint,
  rowsAndTokens: Value,
  maxTokens: number,
  kernels: AttentionKernels = allKernels,
): Build {
  const casts = new Map<string, Value>();
  const fp8 = isFp8(checkpoint.config);
  return {
    graph,
    rowsAndTokens,
    maxTokens,
    kernels,
    weight(name, shape, part) {
      const { precision } = graph;
      const key = `${part === undefined ? name : `${name}[${part}]`}:${precision}`;
      const known = casts.get(key);
      if (known !== undefined) return known;
      // The cast of a constant is folded when the session is made, so it costs memory once and no time later.
      const value = graph.cast(stored(name, shape, part), precision);
      casts.set(key, value);
      return value;
    },
    rows(name, shape, ids) {
      const { dtype, ...place } = placeOf(name, shape, isFloatType, 'a floating type');
      const table = external(elementOf[dtype], place, undefined);
      const known = graph.provider === 'cpu' ? table : graph.cast(table, graph.precision);
      return graph.cast(graph.node('Gather', [known, ids]), graph.precision);
    },
    bytes: (name, shape, part) => external('uint8', placeOf(name, shape, isByte, 'bytes'), part),
  };

  function stored(name: string, shape: readonly number[], part: number | undefined): Value {
    if (!fp8 || checkpoint.tensors.get(name)?.dtype !== 'F8_E4M3') {
      const { dtype, ...place } = placeOf(name, shape, isFloatType, 'a floating type');
      return external(elementOf[dtype], place, part);
    }
    const values = external('float8e4m3', placeOf(name, shape, isFloat8, 'F8_E4M3'), part);
    const block = blockSizeOf(checkpoint);
    const [rows = 1, columns = 1] = part === undefined ? shape : shape.slice(1);
    const own = scalesShape([rows, columns], block);
    const all = part === undefined ? own : [shape[0]!, ...own];
    const { dtype, ...place } = placeOf(`${name}${SCALES}`, all, isFloatType, 'a floating type');
    const scales = external(elementOf[dtype], place, part);
    return dequantised(graph, values, scales, { shape: [rows, columns], block });
  }

  function external(type: ElementType, whole: Omit<TensorPlace, 'dtype'>, part: number | undefined): Value {
    const { file, start, end } = part === undefined ? whole : cutRows(whole, { from: part, size: 1 });
    const shape = part === undefined ? whole.shape : whole.shape.slice(1);
    return graph.external(type, shape, { file, offset: start, length: end - start });
  }

  function placeOf<Type extends NumberType>(
    name: string,
    shape: readonly number[],
    fits: (type: NumberType) => type is Type,
    expected: string,
  ): TensorPlace & { dtype: Type } {
    const place = checkpoint.tensors.get(name);
    const found = place === undefined ? 'no such tensor' : `${place.dtype} [${place.shape.join(', ')}]`;
    const same = place?.shape.length === shape.length && shape.every((size, i) => size === place.shape[i]);
    if (place !== undefined && same && fits(place.dtype)) return { ...place, dtype: place.dtype };
    throw new MalformedError({
      thing: `checkpoint ${checkpoint.folder}, tensor ${quote(name)}`,
      found,
      expected: `${expected} of shape [${shape.join(', ')}], as config.json implies`,
      next: 'Check that config.json belongs to these weights; download the checkpoint again.',
    });
  }
}

function isFloat8(type: NumberType): type is 'F8_E4M3' {
  return type === 'F8_E4M3';
}

function isByte(type: NumberType): type is 'U8' {
  return type === 'U8';
}

/** x [rows·tokens, width] as [rows, tokens, width], for operators that look along a row. */
export function byRow({ graph, rowsAndTokens }: Build, x: Value): Value {
  const shape = graph.node('Concat', [rowsAndTokens, graph.int64s([-1])], { attributes: { axis: 0 } });
  return graph.node('Reshape', [x, shape]);
}
