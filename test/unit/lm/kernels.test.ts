import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { allKernels } from '../../../runner/onnx/kernels.ts';
import { checkpoints } from '../../fixtures/lm/checkpoints.ts';
import { compareWithGolden, openEverywhere, SPREADS, worst } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));

/** A device that does all attention wrong is given products and a softmax instead. */
const noKernels = { full: false, windowed: false, softCapped: false };
/** What rows are given that are longer than those of the fixtures. */
const inBlocks = { ...allKernels, alwaysInBlocks: true };

// Each of these adds the same numbers in another order, as another processor does.
const ways = [allKernels, inBlocks, noKernels].flatMap((kernels) =>
  [1, 2].flatMap((threads) => [true, false].map((prepack) => ({ kernels, threads, prepack }))),
);

describe('whatever the order of its sums, a family equals transformers: the runtime’s attention at once, in blocks, and from plain products, one and two threads, weights packed and not', () => {
  it.each(['demo', ...checkpoints])('%s', async (name) => {
    const checkpoint = await openCheckpoint(name === 'demo' ? demoModelFolder : `${fixtures}${name}`);
    const found: number[] = [];
    for (const way of ways) {
      const model = await openEverywhere(checkpoint, way);
      found.push(worst(await compareWithGolden(model, `${fixtures}${name}/golden`)));
      await model.close();
    }
    console.log(`${name}: ${found.map((spreads) => spreads.toFixed(2)).join(', ')} spreads`);
    expect(Math.max(...found)).toBeLessThanOrEqual(SPREADS);
    // They do differ, so that the bound was tried.
    expect(new Set(found).size).toBeGreaterThan(1);
  });
});
