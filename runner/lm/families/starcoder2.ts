import { z } from 'zod';
import { plainMlp } from '../blocks/mlp.ts';
import { layerNorm } from '../blocks/norm.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  checkWindow,
  decoderBlock,
  decoderEnds,
  decoderFields,
  extraHeadSize,
  readDecoder,
} from './decoder.ts';
import { type Family, size } from './family.ts';
import { configKeys, readConfig } from './keys.ts';
import { readRotary, ropeFields } from './rope.ts';

const { rms_norm_eps: _, ...fields } = decoderFields({
  vocabulary: 49_152,
  width: 3072,
  inner: 12_288,
  blocks: 30,
  heads: 24,
  context: 4096,
  tied: true,
});
const drop = z.number().optional();

export const starcoder2Keys = configKeys(
  'Starcoder2',
  {
    ...fields,
    ...ropeFields,
    ...extraHeadSize,
    num_key_value_heads: size.default(2),
    hidden_act: z.string().default('gelu_pytorch_tanh'),
    norm_epsilon: z.number().nonnegative().default(1e-5),
    sliding_window: z.int().nullish(),
    use_bias: z.boolean().default(true),
  },
  { withoutEffect: { residual_dropout: drop, embedding_dropout: drop } },
);

/** StarCoder 2: layer norms and biases as in GPT-2, rotary positions and grouped keys as in Mistral. */
export function starcoder2(checkpoint: Checkpoint): Family {
  const read = readConfig(checkpoint, starcoder2Keys);
  const config = { ...read, rms_norm_eps: read.norm_epsilon };
  const decoder = readDecoder(checkpoint, config, config.hidden_act, layerNorm);
  const rotary = readRotary(checkpoint, config, decoder);
  checkWindow(checkpoint, config.sliding_window);
  const window = config.sliding_window ?? undefined;
  const bias = config.use_bias;
  const { width, inner, activation } = decoder;
  const mlp = { width, inner, activation, bias, names: { up: 'c_fc', down: 'c_proj' } };
  return {
    name: 'starcoder2',
    ...decoderEnds(decoder),
    block: decoderBlock(decoder, {
      attention: () => ({ rotary, bias, outBias: bias, window }),
      mlp: (build, x, at) => plainMlp(build, x, `${at}.mlp`, mlp),
    }),
  };
}
