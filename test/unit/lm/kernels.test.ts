import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import { openLanguageModel } from '../../../runner/lm/language-model.ts';
import { compareWithGolden } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));

/** A device that does all attention wrong is given products and a softmax instead. */
const kernels = { full: false, windowed: false, softCapped: false };

describe('attention out of plain operators equals transformers', () => {
  it.each(['llama', 'mistral', 'qwen2', 'gpt2', 'gpt_neox', 'gemma2', 'gemma3', 'phi3', 'olmo2', 'qwen3_5'])(
    '%s',
    async (name) => {
      const checkpoint = await openCheckpoint(`${fixtures}${name}`);
      const hooks = Array.from({ length: familyOf(checkpoint).blocks }, (_, i) => i);
      const model = await openLanguageModel(checkpoint, { hooks, logits: true, kernels });
      const { residual, logits } = await compareWithGolden(model, `${fixtures}${name}/golden`);
      await model.close();
      expect(residual.scale).toBeGreaterThan(1);
      expect(Math.max(residual.max, logits.max)).toBeLessThanOrEqual(2e-4);
    },
  );
});
