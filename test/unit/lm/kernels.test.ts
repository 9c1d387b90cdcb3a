import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { allKernels } from '../../../runner/onnx/kernels.ts';
import { compareWithGolden, openEverywhere, SPREADS, worst } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));

/** A device that does all attention wrong is given products and a softmax instead. */
const noKernels = { full: false, windowed: false, softCapped: false };

// Each of these adds the same numbers in another order, as another processor does.
const ways = [allKernels, noKernels].flatMap((kernels) =>
  [1, 2].flatMap((threads) => [true, false].map((prepack) => ({ kernels, threads, prepack }))),
);

const folders = [
  'demo',
  ...['llama', 'mistral', 'qwen2', 'tiny-f32', 'tiny-bf16', 'tiny-f16-tied', 'gpt2', 'gpt2-f16', 'gpt_neox'],
  ...[
    'gemma',
    'gpt_neo',
    'gpt_oss',
    'gpt_oss-mxfp4',
    'gemma2',
    'gemma2-bf16',
    'gemma3',
    'gemma4_unified',
    'gemma4-small',
    'gemma4',
    'opt',
    'opt-post',
    'gptj',
    'qwen3_next',
    'deepseek_v2',
    'deepseek_v3',
    'llama4',
    'smollm3',
    'granite',
    'starcoder2',
    'stablelm',
    'glm4_moe',
    'glm4',
    'cohere2',
    'olmoe',
    'qwen2_moe',
    'phi3',
    'phi',
    'olmo',
    'ministral3',
    'olmo2',
    'olmo3',
    'mixtral',
    'qwen3_moe-fp8',
    'qwen3_moe',
    'qwen3_5',
    'qwen3_5_moe',
  ],
];

describe('whatever the order of its sums, a family equals transformers: its own and plain attention, one and two threads, weights packed and not', () => {
  it.each(folders)('%s', async (name) => {
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
