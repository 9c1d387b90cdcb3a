import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { topK } from '../../../runner/math/topk.ts';
import { buildKernels } from '../../../runner/train/backends/sparse-cpu/kernels/build.ts';
import { compileKernels, instantiate } from '../../../runner/train/backends/sparse-cpu/kernels.ts';
import { gaussians } from './support.ts';

const builds = ['plain', 'relaxed'] as const;

test.each(builds)(
  '%s.wasm is what its source compiles to',
  async (build) => {
    const committed = await readFile(
      new URL(`../../../runner/train/backends/sparse-cpu/kernels/${build}.wasm`, import.meta.url),
    );
    expect(Buffer.from(await buildKernels(build)).equals(committed)).toBe(true);
  },
  60_000,
);

test('this Node runs the build with fused multiply-add', () => {
  expect(compileKernels().build).toBe('relaxed');
});

function memory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
}

test.each(builds)('keepLargest of %s keeps what a top k and relu do, of equal values the first', (build) => {
  const shared = memory();
  const kernels = instantiate(compileKernels([build]).module, shared);
  for (const [width, keep] of [
    [16, 1],
    [48, 7],
    [512, 256],
    [512, 512],
    [1_024, 3],
  ] as const) {
    // Coarse values tie often; two thirds of them are not above 0.
    for (const [coarse, shift] of [
      [1, 0.5],
      [4, 0.5],
      [1e6, 0],
    ] as const) {
      const rows = 3;
      const values = gaussians(rows * width, 'keep', width, keep, coarse).map(
        (v) => Math.round((v - shift) * coarse) / coarse,
      );
      const expected = new Float32Array(rows * width);
      for (let r = 0; r < rows; r++) {
        const row = values.subarray(r * width, (r + 1) * width);
        for (const j of topK(row, keep).indices) expected[r * width + j] = Math.max(0, row[j]!);
      }
      const place = new Float32Array(shared.buffer, 64, rows * width);
      place.set(values);
      kernels.keepLargest(64, rows, width, keep);
      expect(place.map((v) => v + 0)).toEqual(expected);
    }
  }
});

test('index sorts positions by latent, tokens ascending', () => {
  const shared = memory();
  const kernels = instantiate(compileKernels().module, shared);
  const at = Int32Array.of(4, 0, 2, 4, 4, 1, 0, 2);
  new Int32Array(shared.buffer, 0, at.length).set(at);
  kernels.index(0, at.length, 5, 1_024, 2_048);
  expect([...new Int32Array(shared.buffer, 1_024, 6)]).toEqual([0, 2, 3, 5, 5, 8]);
  expect([...new Int32Array(shared.buffer, 2_048, 8)]).toEqual([1, 6, 5, 2, 7, 0, 3, 4]);
});
