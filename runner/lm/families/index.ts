import { quote, UserError } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Family } from './family.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3 } from './gemma3.ts';
import { gptNeox } from './gpt-neox.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { mixtral } from './mixtral.ts';
import { olmo2 } from './olmo2.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { qwen35 } from './qwen3-5.ts';
import { qwen3Moe } from './qwen3-moe.ts';

/** By the `model_type` of config.json; a multimodal checkpoint stands for its text model. */
const families: Readonly<Record<string, (checkpoint: Checkpoint) => Family>> = {
  gemma2,
  gemma3,
  gemma3_text: gemma3,
  gpt2,
  gpt_neox: gptNeox,
  llama,
  mistral,
  mixtral,
  olmo2,
  phi3,
  qwen2,
  qwen3,
  qwen3_5: qwen35,
  qwen3_5_text: qwen35,
  qwen3_moe: qwen3Moe,
};

/**
 * The family of a checkpoint, chosen by its `model_type`.
 *
 * @throws UserError when the type is not one of those known, or the weights are quantised
 */
export function familyOf(checkpoint: Checkpoint): Family {
  const type = checkpoint.config.model_type;
  const make = typeof type === 'string' && Object.hasOwn(families, type) ? families[type] : undefined;
  if (make === undefined) {
    throw new UserError({
      thing: `${checkpoint.folder}/config.json, model_type`,
      found: typeof type === 'string' ? quote(type) : 'none',
      expected: `one of ${Object.keys(families).join(', ')}`,
      next: 'Use a checkpoint of one of these families.',
    });
  }
  const quantisation = checkpoint.config.quantization_config;
  if (quantisation != null) {
    throw new UserError({
      thing: `${checkpoint.folder}/config.json, quantization_config`,
      found: quote(JSON.stringify(quantisation)),
      expected: 'weights in f32, bf16 or f16',
      next: 'Use the checkpoint that the quantised one was made from.',
    });
  }
  return make(checkpoint);
}
