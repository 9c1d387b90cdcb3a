/** Weights of eight bits in blocks: every number times its block's scale, and other kinds of quantisation by name. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import { startBuild } from '../../../runner/lm/build.ts';
import { type Checkpoint, openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import type { TensorPlace } from '../../../runner/lm/stored-tensors.ts';
import { Graph } from '../../../runner/onnx/graph.ts';
import { floatsOf, openSession } from '../../../runner/onnx/session.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-fp8-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const config = (size: unknown) => ({ quantization_config: { quant_method: 'fp8', weight_block_size: size } });

/** E4M3: a sign, four bits of an exponent from −7 on, three of a fraction; 127 and 255 are no numbers. */
function decoded(byte: number): number {
  const [sign, exponent, fraction] = [byte & 128 ? -1 : 1, (byte >> 3) & 15, byte & 7];
  return sign * (exponent === 0 ? (fraction / 8) * 2 ** -6 : (1 + fraction / 8) * 2 ** (exponent - 7));
}

/** A checkpoint of one weight `w`, its bytes 0 to 126 again and again, and scales that grow. */
async function written(shape: readonly number[], scales: readonly number[], size: unknown) {
  const count = shape.reduce((product, each) => product * each, 1);
  const bytes = Uint8Array.from({ length: count }, (_, i) => (i % 2 ? 128 : 0) + ((i * 5) % 127));
  const length = scales.reduce((product, each) => product * each, 1);
  const factors = Float32Array.from({ length }, (_, i) => 0.1 * (i + 1));
  const padded = Math.ceil(count / 4) * 4;
  const data = Buffer.alloc(padded + factors.byteLength);
  data.set(bytes);
  data.set(new Uint8Array(factors.buffer), padded);
  const file = `${shape.join('-')}.bin`;
  await writeFile(join(folder, file), data);
  const tensors = new Map<string, TensorPlace>([
    ['w', { file, dtype: 'F8_E4M3', shape, start: 0, end: count }],
    ['w_scale_inv', { file, dtype: 'F32', shape: scales, start: padded, end: data.length }],
  ]);
  const checkpoint: Checkpoint = {
    folder,
    config: config(size),
    tensors,
    files: [file],
    weightsFolder: folder,
    notes: [],
  };
  return { checkpoint, bytes, factors };
}

async function read(checkpoint: Checkpoint, shape: readonly number[], part?: number): Promise<number[]> {
  const graph = new Graph();
  const build = startBuild(graph, checkpoint, graph.int64s([1, 1]), 1);
  graph.output(build.weight('w', shape, part), 'out', 'float32', part === undefined ? shape : shape.slice(1));
  const session = await openSession(graph.program(), { folder });
  const found = floatsOf(await session.run({}), 'out');
  await session.close();
  return [...found];
}

/** Of each number the scale of the block that it lies in. */
function expected(bytes: Uint8Array, columns: number, scaleOf: (row: number, column: number) => number) {
  return Array.from(bytes, (byte, i) =>
    Math.fround(decoded(byte) * scaleOf(Math.floor(i / columns), i % columns)),
  );
}

describe('every number is multiplied by the scale of its block', () => {
  it('blocks at the ends are cut', async () => {
    const { checkpoint, bytes, factors } = await written([7, 10], [3, 3], [3, 4]);
    const scale = (row: number, column: number): number =>
      factors[Math.floor(row / 3) * 3 + Math.floor(column / 4)]!;
    expect(await read(checkpoint, [7, 10])).toEqual(expected(bytes, 10, scale));
  });

  it('one of several stored together has scales of its own', async () => {
    const { checkpoint, bytes, factors } = await written([3, 4, 6], [3, 2, 3], [2, 2]);
    const scale = (row: number, column: number): number =>
      factors[6 + Math.floor(row / 2) * 3 + Math.floor(column / 2)]!;
    expect(await read(checkpoint, [3, 4, 6], 1)).toEqual(expected(bytes.subarray(24, 48), 6, scale));
  });

  it('a whole weight has one where there are no blocks', async () => {
    const { checkpoint, bytes, factors } = await written([2, 5], [], null);
    expect(await read(checkpoint, [2, 5])).toEqual(expected(bytes, 5, () => factors[0]!));
  });

  it('scales of another shape, or none, are named', async () => {
    const { checkpoint } = await written([4, 4], [2, 2], [2, 1]);
    await expect(read(checkpoint, [4, 4])).rejects.toThrow(
      /"w_scale_inv": found F32 \[2, 2\]; expected a floating type of shape \[2, 4\]/,
    );
    const tensors = new Map([...checkpoint.tensors].filter(([name]) => name === 'w'));
    await expect(read({ ...checkpoint, tensors }, [4, 4])).rejects.toThrow(
      /"w_scale_inv": found no such tensor/,
    );
    await expect(read({ ...checkpoint, config: {} }, [4, 4])).rejects.toThrow(
      /"w": found F8_E4M3 \[4, 4\]; expected a floating type/,
    );
  });
});

describe('other quantisations are refused by name', () => {
  const llama = openCheckpoint(`${fixtures}llama`);
  it.each([
    ...['gptq', 'awq', 'bitsandbytes', 'compressed-tensors', 'hqq', 'aqlm', 'quanto', 'torchao', 'mxfp4'].map(
      (quant_method) => ({ quant_method }),
    ),
    { quant_method: 'fbgemm_fp8' },
    { quant_method: 'fp8', weight_block_size: [128] },
    { quant_method: 'fp8', weight_block_size: [0, 128] },
    { quant_method: 'fp8', expert_dtype: 'fp4' },
    {},
  ])('%j', async (quantization_config) => {
    const checkpoint = await llama;
    const changed = { ...checkpoint, config: { ...checkpoint.config, quantization_config } };
    expect(() => familyOf(changed)).toThrow(UserError);
    const said = quantization_config.quant_method ?? '{}';
    expect(() => familyOf(changed)).toThrow(new RegExp(`quantization_config: found .*${said}.*; expected`));
  });

  it('scales in the files that config.json says nothing of', async () => {
    const from = `${fixtures}qwen3_moe-fp8`;
    await cp(from, join(folder, 'plain'), { recursive: true });
    const path = join(folder, 'plain', 'config.json');
    const { quantization_config: _, ...plain } = JSON.parse(await readFile(path, 'utf8')) as Record<
      string,
      unknown
    >;
    await writeFile(path, JSON.stringify(plain));
    await expect(openCheckpoint(join(folder, 'plain'))).rejects.toThrow(
      /_scale_inv", by which quantised weights are scaled/,
    );
  });
});
