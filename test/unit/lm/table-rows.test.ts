import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromFloat32 } from '../../../runner/formats/number-types.ts';
import { startBuild } from '../../../runner/lm/build.ts';
import type { Checkpoint } from '../../../runner/lm/checkpoint.ts';
import { Graph } from '../../../runner/onnx/graph.ts';
import { floatsOf, int32, openSession } from '../../../runner/onnx/session.ts';
import { nodesOf } from '../onnx/node-signatures.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-rows-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const values = Float32Array.from({ length: 12 }, (_, i) => i - 5.5);

async function programOf(provider: 'cpu' | 'webgpu') {
  const bytes = fromFloat32('BF16', values);
  await writeFile(join(folder, 'table.bin'), bytes);
  const checkpoint: Checkpoint = {
    folder,
    config: {},
    files: ['table.bin'],
    weightsFolder: folder,
    notes: [],
    tensors: new Map([
      ['table', { file: 'table.bin', dtype: 'BF16', shape: [4, 3], start: 0, end: bytes.length }],
    ]),
  };
  const graph = new Graph('', { provider });
  const ids = graph.input('ids', 'int32', ['rows', 'tokens']);
  const build = startBuild(graph, checkpoint, graph.int64s([1, 1]), 1);
  graph.output(build.rows('table', [4, 3], ids), 'out', 'float32', ['rows', 'tokens', 3]);
  return graph.program();
}

it('rows of a table are chosen as they are stored and widened then, where the provider can', async () => {
  const program = await programOf('cpu');
  const gather = nodesOf(program).find(({ operator }) => operator === 'Gather')!;
  expect(gather.signature).toBe('Gather(bfloat16, int32)');
  const session = await openSession(program, { folder });
  const found = floatsOf(await session.run({ ids: int32(Int32Array.of(3, 0, 3), [1, 3]) }), 'out');
  await session.close();
  expect([...found]).toEqual([3, 0, 3].flatMap((row) => [...values.subarray(3 * row, 3 * row + 3)]));
  const elsewhere = nodesOf(await programOf('webgpu')).find(({ operator }) => operator === 'Gather')!;
  expect(elsewhere.signature).toBe('Gather(float32, int32)');
});
