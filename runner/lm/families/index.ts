import { quote, UserError } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { blockSizeOf, isFp8 } from '../fp8.ts';
import { cohere2, cohere2Keys } from './cohere2.ts';
import { deepseekV2, deepseekV2Keys, deepseekV3, deepseekV3Keys } from './deepseek.ts';
import type { Family } from './family.ts';
import { gemma, gemmaKeys } from './gemma.ts';
import { gemma2, gemma2Keys } from './gemma2.ts';
import { gemma3, gemma3Keys } from './gemma3.ts';
import { gemma3n, gemma3nKeys } from './gemma3n.ts';
import { gemma4, gemma4Keys, gemma4Unified, gemma4UnifiedKeys } from './gemma4.ts';
import { glm4, glm4Keys } from './glm4.ts';
import { glm4Moe, glm4MoeKeys } from './glm4-moe.ts';
import { gptNeo, gptNeoKeys } from './gpt-neo.ts';
import { gptNeox, gptNeoxKeys } from './gpt-neox.ts';
import { gptOss, gptOssKeys } from './gpt-oss.ts';
import { gpt2, gpt2Keys } from './gpt2.ts';
import { gptj, gptjKeys } from './gptj.ts';
import { granite, graniteKeys } from './granite.ts';
import type { ConfigKeys } from './keys.ts';
import { llama, llamaKeys } from './llama.ts';
import { llama4, llama4Keys } from './llama4.ts';
import { ministral3, ministral3Keys, mistral3, mistral3Keys } from './ministral3.ts';
import { mistral, mistralKeys } from './mistral.ts';
import { mixtral, mixtralKeys } from './mixtral.ts';
import { olmo, olmoKeys } from './olmo.ts';
import { olmo2, olmo2Keys } from './olmo2.ts';
import { olmo3, olmo3Keys } from './olmo3.ts';
import { olmoe, olmoeKeys } from './olmoe.ts';
import { opt, optKeys } from './opt.ts';
import { phi, phiKeys } from './phi.ts';
import { phi3, phi3Keys } from './phi3.ts';
import { qwen2, qwen2Keys } from './qwen2.ts';
import { qwen2Moe, qwen2MoeKeys } from './qwen2-moe.ts';
import { qwen3, qwen3Keys } from './qwen3.ts';
import { qwen35, qwen35Keys, qwen35Moe, qwen35MoeKeys } from './qwen3-5.ts';
import { qwen3Moe, qwen3MoeKeys } from './qwen3-moe.ts';
import { qwen3Next, qwen3NextKeys } from './qwen3-next.ts';
import { smollm3, smollm3Keys } from './smollm3.ts';
import { stablelm, stablelmKeys } from './stablelm.ts';
import { starcoder2, starcoder2Keys } from './starcoder2.ts';

interface FamilyEntry {
  make(checkpoint: Checkpoint): Family;
  /** Of its config, or of the text part of a multimodal one. */
  keys: ConfigKeys;
}

/** By the `model_type` of config.json; a multimodal checkpoint stands for its text model. */
export const families: Readonly<Record<string, FamilyEntry>> = {
  cohere2: { make: cohere2, keys: cohere2Keys },
  deepseek_v2: { make: deepseekV2, keys: deepseekV2Keys },
  deepseek_v3: { make: deepseekV3, keys: deepseekV3Keys },
  gemma: { make: gemma, keys: gemmaKeys },
  gemma2: { make: gemma2, keys: gemma2Keys },
  gemma3: { make: gemma3, keys: gemma3Keys },
  gemma3_text: { make: gemma3, keys: gemma3Keys },
  gemma3n: { make: gemma3n, keys: gemma3nKeys },
  gemma3n_text: { make: gemma3n, keys: gemma3nKeys },
  gemma4: { make: gemma4, keys: gemma4Keys },
  gemma4_text: { make: gemma4, keys: gemma4Keys },
  gemma4_unified: { make: gemma4Unified, keys: gemma4UnifiedKeys },
  gemma4_unified_text: { make: gemma4Unified, keys: gemma4UnifiedKeys },
  glm4: { make: glm4, keys: glm4Keys },
  glm4_moe: { make: glm4Moe, keys: glm4MoeKeys },
  gpt2: { make: gpt2, keys: gpt2Keys },
  gpt_neo: { make: gptNeo, keys: gptNeoKeys },
  gpt_neox: { make: gptNeox, keys: gptNeoxKeys },
  gpt_oss: { make: gptOss, keys: gptOssKeys },
  gptj: { make: gptj, keys: gptjKeys },
  granite: { make: granite, keys: graniteKeys },
  llama: { make: llama, keys: llamaKeys },
  llama4: { make: llama4, keys: llama4Keys },
  llama4_text: { make: llama4, keys: llama4Keys },
  ministral3: { make: ministral3, keys: ministral3Keys },
  mistral: { make: mistral, keys: mistralKeys },
  mistral3: { make: mistral3, keys: mistral3Keys },
  mixtral: { make: mixtral, keys: mixtralKeys },
  olmo: { make: olmo, keys: olmoKeys },
  olmo2: { make: olmo2, keys: olmo2Keys },
  olmo3: { make: olmo3, keys: olmo3Keys },
  olmoe: { make: olmoe, keys: olmoeKeys },
  opt: { make: opt, keys: optKeys },
  phi: { make: phi, keys: phiKeys },
  phi3: { make: phi3, keys: phi3Keys },
  qwen2: { make: qwen2, keys: qwen2Keys },
  qwen2_moe: { make: qwen2Moe, keys: qwen2MoeKeys },
  qwen3: { make: qwen3, keys: qwen3Keys },
  qwen3_5: { make: qwen35, keys: qwen35Keys },
  qwen3_5_moe: { make: qwen35Moe, keys: qwen35MoeKeys },
  qwen3_5_moe_text: { make: qwen35Moe, keys: qwen35MoeKeys },
  qwen3_5_text: { make: qwen35, keys: qwen35Keys },
  qwen3_moe: { make: qwen3Moe, keys: qwen3MoeKeys },
  qwen3_next: { make: qwen3Next, keys: qwen3NextKeys },
  smollm3: { make: smollm3, keys: smollm3Keys },
  stablelm: { make: stablelm, keys: stablelmKeys },
  starcoder2: { make: starcoder2, keys: starcoder2Keys },
};

/**
 * The family of a checkpoint, chosen by its `model_type`.
 *
 * @throws UserError when the type is not one of those known, or the weights are quantised
 */
export function familyOf(checkpoint: Checkpoint): Family {
  const type = checkpoint.config.model_type;
  const entry = typeof type === 'string' && Object.hasOwn(families, type) ? families[type] : undefined;
  if (entry === undefined) {
    throw new UserError({
      thing: `${checkpoint.folder}/config.json, model_type`,
      found: typeof type === 'string' ? quote(type) : 'none',
      expected: `one of ${Object.keys(families).join(', ')}`,
      next: 'Use a checkpoint of one of these families.',
    });
  }
  const { quantization_config: quantisation, ...config } = checkpoint.config;
  const own = Object.hasOwn(entry.keys.read, 'quantization_config');
  if (!own && isFp8(checkpoint.config)) {
    blockSizeOf(checkpoint);
    return entry.make({ ...checkpoint, config });
  }
  if (quantisation != null && !own) {
    throw new UserError({
      thing: `${checkpoint.folder}/config.json, quantization_config`,
      found: quote(JSON.stringify(quantisation)),
      expected: 'weights in f32, bf16, f16 or fp8 in blocks',
      next: 'Use the checkpoint that the quantised one was made from.',
    });
  }
  return entry.make(checkpoint);
}
