/**
 * Temporal SAEs in their authors' layout (canrager/temporalSAEs): a folder with `conf.yaml` and `latest_ckpt.safetensors`: D
 * [d_sae, d_in], b [d_in], E [d_in, d_sae] where it is not Dᵀ, and of each attention layer k_ctx, q_target [any, d_sae], v_ctx and
 * c_proj [d_sae, d_sae] with their biases. What is encoded is scaled by 1/(4·d_in), as in their code and SAELens'.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { scaledBy } from '../../formats/stored-matrix.ts';
import { hookPath } from '../published/hook-names.ts';
import type { LinearMap, TemporalContext } from '../sae.ts';
import type { SaeAdapter } from './adapter.ts';
import {
  accepted,
  openTensors,
  parseConfig,
  readYaml,
  type SaeFile,
  size,
  storedTensors,
  TensorBag,
} from './loaded.ts';

const FILES = { config: 'conf.yaml', tensors: 'latest_ckpt.safetensors' } as const;
/** More layers of attention than any has. */
const LAYER_LIMIT = 32;

const configSchema = z.looseObject({
  llm: z.looseObject({ dimin: size }),
  sae: z.looseObject({
    exp_factor: z.number().positive().max(10_000),
    n_heads: size,
    n_attn_layers: z.int().min(1).max(LAYER_LIMIT),
    bottleneck_factor: size,
    sae_diff_type: z.enum(['topk', 'relu']),
    kval_topk: size.nullish(),
    tied_weights: z.boolean(),
    scaling_factor: z.number().positive(),
  }),
});

export const temporal: SaeAdapter = {
  format: 'temporal-sae',
  mark: { folder: (names) => names.includes(FILES.config) && names.includes(FILES.tensors) },
  files: /^(?:conf\.yaml|latest_ckpt\.safetensors)$/,
  tensors: /^latest_ckpt\.safetensors$/,
  loaders: ['temporal'],
  takes: [],
  open: openTemporalFile,
};

/** @throws UnavailableError @throws MalformedError */
async function openTemporalFile(folder: string): Promise<SaeFile> {
  const path = join(folder, FILES.config);
  const { llm, sae: said } = parseConfig(path, await readYaml(path), configSchema, 'temporal SAEs');
  return openTensors(join(folder, FILES.tensors), [path], async (source) => {
    const bag = new TensorBag(source.name, 'temporal SAEs', await storedTensors(source));
    const d_in = llm.dimin;
    const d_sae = Math.trunc(d_in * said.exp_factor);
    const W_dec = bag.matrix('D', [d_sae, d_in]);
    const encoder = said.tied_weights ? W_dec.turned() : bag.matrix('E', [d_in, d_sae]);
    const k = said.sae_diff_type === 'topk' ? (said.kval_topk ?? null) : null;
    const sae = {
      ...(k === null
        ? ({ architecture: 'relu' } as const)
        : ({ architecture: 'topk', k, rescale_acts_by_decoder_norm: false } as const)),
      d_in,
      d_sae,
      apply_b_dec_to_input: true,
      normalisation: { kind: 'expected_average_only_in', scale: said.scaling_factor },
      W_enc: scaledBy(encoder, 1 / (4 * d_in)),
      W_dec,
      b_enc: new Float32Array(d_sae),
      b_dec: await bag.take('b', [d_in]),
      context: await contextOf(bag, d_sae, said),
    } as const;
    bag.rest();
    const layer = /layer_(\d{1,4})(?!\d)/.exec(folder)?.[1];
    return {
      format: 'temporal-sae',
      sae: accepted(source.name, sae),
      details: {
        model_name: null,
        hook_name: layer === undefined ? null : hookPath({ layer: Number(layer), site: 'resid_post' }),
      },
      conversions: [
        `${said.tied_weights ? 'the decoder’s transpose' : 'W_enc'} over 4·d_in as the encoder`,
        'x̂ with what is predicted of a token from those before it, which no latent stands for',
      ],
    };
  });
}

async function contextOf(
  bag: TensorBag,
  d_sae: number,
  said: z.output<typeof configSchema>['sae'],
): Promise<TemporalContext> {
  const narrow = Math.floor(d_sae / said.bottleneck_factor);
  const layers = [];
  for (let i = 0; i < said.n_attn_layers; i++) {
    const linear = async (name: string, out: number): Promise<LinearMap> => ({
      weight: await bag.take(`attn_layers.${i}.${name}.weight`, [out, d_sae]),
      bias: await bag.take(`attn_layers.${i}.${name}.bias`, [out]),
    });
    layers.push({
      k: await linear('k_ctx', narrow),
      q: await linear('q_target', narrow),
      v: await linear('v_ctx', d_sae),
      o: await linear('c_proj', d_sae),
    });
  }
  return { heads: said.n_heads, layers };
}
