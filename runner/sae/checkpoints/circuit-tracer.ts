/**
 * Per-layer transcoders as circuit-tracer holds them (mwhanna's releases of Qwen 3): one file for each block,
 * layer_12.safetensors, with W_enc [d_sae, d_in], W_dec [d_sae, d_out], b_enc, b_dec, and for a skip connection W_skip
 * [d_out, d_in]. ReLU. The file's name says the block; the hooks are the two ends of the MLP, as in SAELens' loader.
 */
import { basename } from 'node:path';
import { hookPath } from '../published/hook-names.ts';
import type { SaeAdapter } from './adapter.ts';
import { accepted, openTensors, type SaeFile, storedTensors, TensorBag } from './loaded.ts';

const NAME = /^layer_(\d{1,4})\.safetensors$/;

export const circuitTracer: SaeAdapter = {
  format: 'circuit-tracer',
  mark: { file: (name) => NAME.test(name) },
  files: NAME,
  tensors: NAME,
  loaders: ['mwhanna_transcoder'],
  takes: [],
  open: openCircuitTracer,
};

/** @throws UnavailableError @throws MalformedError */
async function openCircuitTracer(path: string): Promise<SaeFile> {
  return openTensors(path, [], async (source) => {
    const stored = await storedTensors(source);
    const bag = new TensorBag(source.name, 'circuit-tracer', stored);
    const encoder = bag.matrix('W_enc', [-1, -1]);
    const [d_sae, d_in] = [encoder.rows, encoder.columns];
    const W_dec = bag.matrix('W_dec', [d_sae, -1]);
    const d_out = W_dec.columns;
    const sae = {
      architecture: 'relu',
      d_in,
      d_sae,
      d_out,
      apply_b_dec_to_input: false,
      normalisation: { kind: 'none' },
      W_enc: encoder.turned(),
      W_dec,
      b_enc: await bag.take('b_enc', [d_sae]),
      b_dec: await bag.take('b_dec', [d_out]),
      ...(stored.has('W_skip') ? { W_skip: await bag.take('W_skip', [d_out, d_in]) } : {}),
    } as const;
    bag.rest();
    const layer = Number(NAME.exec(basename(path))![1]);
    return {
      format: 'circuit-tracer',
      sae: accepted(source.name, sae),
      details: {
        model_name: null,
        hook_name: hookPath({ layer, site: 'mlp_in' }),
        hook_name_out: hookPath({ layer, site: 'mlp_out' }),
      },
      conversions: ['W_enc turned', `block ${layer} from the file’s name, its MLP’s two ends as the hooks`],
    };
  });
}
