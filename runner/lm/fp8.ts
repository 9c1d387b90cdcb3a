/** Weights of eight bits (E4M3) with a scale for each block of them, as DeepSeek and Qwen publish them. */
import { z } from 'zod';
import { quote, UserError } from '../errors.ts';
import type { Graph, Value } from '../onnx/graph.ts';

/** The largest block asked for is a whole weight. */
const size = z.int().positive().max(10_000_000);

const fp8Config = z.looseObject({
  quant_method: z.literal('fp8'),
  /** Rows and columns; null: one scale for the whole weight. */
  weight_block_size: z.tuple([size, size]).nullable().default([128, 128]),
  expert_dtype: z.literal('fp8').optional(),
  // Scales in eight bits would have another type in the file: what counts is that.
  scale_fmt: z.string().optional(),
});

type Config = Readonly<Record<string, unknown>>;
type BlockSize = z.output<typeof fp8Config>['weight_block_size'];

/** What the tensor of a weight's scales is called behind the weight's name. */
export const SCALES = '_scale_inv';

/** Whether a checkpoint's config.json says that its weights are of this kind. */
export function isFp8({ quantization_config: given }: Config): boolean {
  return typeof given === 'object' && given !== null && Reflect.get(given, 'quant_method') === 'fp8';
}

/**
 * @returns null where one scale is for a whole weight
 * @throws UserError for a config of another kind
 */
export function blockSizeOf({ folder, config }: { folder: string; config: Config }): BlockSize {
  const read = fp8Config.safeParse(config.quantization_config);
  if (read.success) return read.data.weight_block_size;
  throw new UserError({
    thing: `${folder}/config.json, quantization_config`,
    found: quote(JSON.stringify(config.quantization_config)),
    expected: 'quant_method fp8 with a weight_block_size of two numbers',
    next: 'Use the checkpoint that the quantised one was made from.',
  });
}

/** Rows and columns of the scales of a weight. */
export function scalesShape([rows, columns]: readonly [number, number], block: BlockSize): number[] {
  return block === null ? [] : [Math.ceil(rows / block[0]), Math.ceil(columns / block[1])];
}

/**
 * Each number times its block's scale, in float32: blocks at the ends may be cut. All of it is a constant, which is computed
 * once when the session is made.
 *
 * @param stored float8 [rows, columns]
 * @param scales of the shape of `scalesShape`
 */
export function dequantised(
  graph: Graph,
  stored: Value,
  scales: Value,
  { shape: [rows, columns], block }: { shape: readonly [number, number]; block: BlockSize },
): Value {
  return graph.inFloat32([stored, scales], (values, factors) => {
    if (block === null) return graph.node('Mul', [values!, factors!]);
    const places = (count: number, step: number): Value =>
      graph.int32s(Array.from({ length: count }, (_, i) => Math.floor(i / step)));
    const byRow = graph.node('Gather', [factors!, places(rows, block[0])], { attributes: { axis: 0 } });
    const each = graph.node('Gather', [byRow, places(columns, block[1])], { attributes: { axis: 1 } });
    return graph.node('Mul', [values!, each]);
  });
}
