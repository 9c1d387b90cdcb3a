import { expect, test } from 'vitest';
import { compileKernels, instantiate } from '../../../runner/train/backends/sparse-cpu/kernels.ts';
import { layoutOf, memoryFor, sizesOf } from '../../../runner/train/backends/sparse-cpu/layout.ts';
import type { Workplace } from '../../../runner/train/backends/sparse-cpu/phases.ts';
import { openWorkerPool } from '../../../runner/train/backends/sparse-cpu/worker-pool.ts';
import { smallRecipe } from './support.ts';

const compiled = compileKernels();

function workplace(): Workplace {
  const layout = layoutOf(sizesOf(smallRecipe(), 16), null);
  const memory = memoryFor(layout);
  const settings = {
    adamBeta1: 0.9,
    adamBeta2: 0.999,
    unitNormDecoder: true,
    removeParallelGradient: true,
    lossWeight: 1,
  };
  return { kernels: instantiate(compiled.module, memory), memory, layout, settings };
}

test('threads take part in every round until they are told to end', async () => {
  const pool = await openWorkerPool(3, compiled);
  const id = pool.open(workplace());
  for (let i = 0; i < 100; i++) pool.run(id, 'centre');
  pool.close(id);
  await pool.end();
});

test('a thread that dies in a round is an error there, while whoever asks is blocked, and in every later one', async () => {
  const pool = await openWorkerPool(3, compiled, new URL('./dying-thread.ts', import.meta.url));
  const id = pool.open(workplace());
  expect(() => pool.run(id, 'centre')).toThrow('a thread of phase centre failed');
  expect(() => pool.run(id, 'centre')).toThrow('a thread of phase centre failed');
  // Once this thread sees events again, it says what became of the other.
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(() => pool.run(id, 'centre')).toThrow(
    /^a thread of sparse-cpu ended unexpectedly with code 5$|failed/,
  );
  await pool.end();
});
