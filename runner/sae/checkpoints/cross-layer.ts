/**
 * Cross-layer transcoders in circuit-tracer's layout (mntss' releases): of each layer N two files, W_enc_N.safetensors with
 * W_enc_N [d_sae, d], b_enc_N [d_sae], b_dec_N [d] and for JumpReLU threshold_N [d_sae], and W_dec_N.safetensors with W_dec_N
 * [d_sae, layers − N, d]: what each latent of the layer adds to the outputs of its own and of every later one. config.yaml says
 * what is read and written.
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote, UserError } from '../../errors.ts';
import { rowMajor } from '../../formats/stored-array.ts';
import type { Hook, Site } from '../../hook.ts';
import { openFile } from '../../io/byte-source.ts';
import { namedHook } from '../published/hook-names.ts';
import type { StoredSae } from '../stored-sae.ts';
import type { SaeAdapter } from './adapter.ts';
import { accepted, parseConfig, readYaml, type SaeDetails, storedTensors, TensorBag } from './loaded.ts';

const CONFIG = 'config.yaml';
const ENCODER = /^W_enc_(\d{1,4})\.safetensors$/;
/** More layers than any model has that these are made of. */
const LAYER_LIMIT = 1_000;

const configSchema = z.looseObject({
  model_kind: z.literal('cross_layer_transcoder'),
  model_name: z.string().min(1).max(300),
  feature_input_hook: z.string().min(1).max(100),
  feature_output_hook: z.string().min(1).max(100),
});

export interface CrossLayerFile {
  /** As its config names them; the hooks are those of every layer. */
  details: SaeDetails & { model_name: string; hook_name: string; hook_name_out: string };
  /** The files it consists of. */
  files: readonly string[];
  /** What latents of a layer read, at that layer. */
  reads: Site;
  d_model: number;
  /**
   * The latents of each layer as a transcoder of what they read: its output is what they add to the outputs of this layer and
   * of all later ones, side by side [tokens, (layers − N) · d]; nothing is added to that.
   */
  layers: readonly StoredSae[];
  /** What is added to the output of each layer [d]. */
  biases: readonly Float32Array[];
  close(): Promise<void>;
}

export const CROSS_LAYER = 'cross-layer-transcoder';

/** Found, and refused by name where an SAE of one hook is wanted: `openCrossLayer` opens it. */
export const crossLayer: SaeAdapter = {
  format: CROSS_LAYER,
  mark: { folder: (names) => names.includes('W_enc_0.safetensors') && names.includes('W_dec_0.safetensors') },
  files: /^(?:config\.yaml|W_(?:enc|dec)_\d{1,4}\.safetensors)$/,
  tensors: /^W_(?:enc|dec)_\d{1,4}\.safetensors$/,
  loaders: [],
  takes: [],
  async open(folder) {
    throw new UserError({
      thing: folder,
      found: 'a cross-layer transcoder, whose latents write to every later layer',
      expected: 'an SAE or a transcoder of one hook',
      next: 'Evaluate it with npx interpboard eval --sae, which replaces all MLPs by it.',
    });
  },
};

/** All that it reads and writes: what the language model is to be opened with. */
export function hooksOfCrossLayer({ reads, layers }: { reads: Site; layers: readonly unknown[] }): Hook[] {
  return layers.flatMap((_, layer): Hook[] => [
    { layer, site: reads },
    { layer, site: 'mlp_out' },
  ]);
}

/**
 * @param folder that holds all its layers
 * @throws UnavailableError when a file cannot be read
 * @throws MalformedError for files that do not fit one another or hooks that are not known here
 */
export async function openCrossLayer(folder: string): Promise<CrossLayerFile> {
  const path = join(folder, CONFIG);
  const config = parseConfig(path, await readYaml(path), configSchema, 'cross-layer transcoders');
  const site = (hook: string): Site => {
    const found = namedHook(`blocks.0.${hook}`);
    if (found === null) throw malformed(path, `the hook ${quote(hook)}`, 'one that is known here');
    return found.site;
  };
  const [reads, writes] = [site(config.feature_input_hook), site(config.feature_output_hook)];
  if (writes !== 'mlp_out' || (reads !== 'resid_mid' && reads !== 'mlp_in')) {
    throw malformed(path, `one from ${reads} to ${writes}`, 'one from resid_mid or mlp_in to mlp_out');
  }
  const names = (await readdir(folder)).flatMap((name) => ENCODER.exec(name)?.[1] ?? []);
  const count = names.length;
  if (count === 0 || count > LAYER_LIMIT || Math.max(...names.map(Number)) !== count - 1)
    throw malformed(
      folder,
      `encoders of layers ${names.slice(0, 20).join(', ') || '(none)'}`,
      'all from 0 on',
    );
  const sources: Awaited<ReturnType<typeof openFile>>[] = [];
  const close = async (): Promise<void> => {
    for (const source of sources) await source.close();
  };
  try {
    const layers: StoredSae[] = [];
    const biases: Float32Array[] = [];
    let d = -1;
    for (let layer = 0; layer < count; layer++) {
      const bagOf = async (part: string): Promise<{ bag: TensorBag; has: (name: string) => boolean }> => {
        const source = await openFile(join(folder, `${part}_${layer}.safetensors`));
        sources.push(source);
        const stored = await storedTensors(source);
        const wide = stored.get(`W_dec_${layer}`);
        // Latents by layers by d, row-major, is latents by what they write side by side.
        if (wide?.shape.length === 3) {
          const [latents, to, width] = wide.shape as [number, number, number];
          if (to !== count - layer)
            throw malformed(basename(source.name), `a decoder to ${to} layers`, `to ${count - layer}`);
          const shape = [latents, to * width];
          stored.set(`W_dec_${layer}`, { ...wide, shape, stride: rowMajor(shape) });
        }
        return { bag: new TensorBag(source.name, 'circuit-tracer', stored), has: (name) => stored.has(name) };
      };
      const encoder = await bagOf('W_enc');
      const W_enc = encoder.bag.matrix(`W_enc_${layer}`, [-1, d]);
      const [d_sae, d_in] = [W_enc.rows, W_enc.columns];
      d = d_in;
      const decoder = await bagOf('W_dec');
      const d_out = (count - layer) * d;
      const shared = {
        d_in,
        d_sae,
        d_out,
        apply_b_dec_to_input: false,
        normalisation: { kind: 'none' },
        W_enc: W_enc.turned(),
        W_dec: decoder.bag.matrix(`W_dec_${layer}`, [d_sae, d_out]),
        b_enc: await encoder.bag.take(`b_enc_${layer}`, [d_sae]),
        b_dec: new Float32Array(d_out),
      } as const;
      biases.push(await encoder.bag.take(`b_dec_${layer}`, [d]));
      const threshold = encoder.has(`threshold_${layer}`)
        ? await encoder.bag.take(`threshold_${layer}`, [d_sae])
        : null;
      encoder.bag.rest();
      decoder.bag.rest();
      layers.push(
        accepted(
          folder,
          threshold === null
            ? { ...shared, architecture: 'relu' }
            : { ...shared, architecture: 'jumprelu', threshold },
        ),
      );
    }
    const details = {
      model_name: config.model_name,
      hook_name: config.feature_input_hook,
      hook_name_out: config.feature_output_hook,
    };
    const files = [path, ...sources.map(({ name }) => name)];
    return { details, files, reads, d_model: d, layers, biases, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function malformed(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({
    thing,
    found,
    expected,
    next: 'Check that all its files are there and of one transcoder.',
  });
}
