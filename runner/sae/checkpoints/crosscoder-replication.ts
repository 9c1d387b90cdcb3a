/**
 * Crosscoders of ckkissane/crosscoder-model-diff-replication: `cc_weights.pt`, a saved state dict of W_enc [models, d, latents], W_dec
 * [latents, models, d], b_enc and b_dec [models, d], and `cfg.json`. z = relu(Σ x·W_enc + b_enc) of all models' activations, each
 * scaled to a mean norm of √d; the scalars are printed along training and not saved.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import type { StoredArray } from '../../formats/stored-array.ts';
import { readTorchFile, TorchTensor } from '../../formats/torch-file.ts';
import { openFile } from '../../io/byte-source.ts';
import { counted } from '../../report/counted.ts';
import type { LoadOptions } from './adapter.ts';
import { type CrosscoderFile, mergedAxes, PLACE_LIMIT } from './crosscoder.ts';
import { crosscoderAdapter } from './crosscoder-adapter.ts';
import { accepted, readConfig, shortText, size, TensorBag } from './loaded.ts';

const FILES = { config: 'cfg.json', tensors: 'cc_weights.pt' } as const;
const FORMAT = 'crosscoder-replication';

/** Settings of its training are not read: none of them changes what is computed. */
const configSchema = z.looseObject({
  d_in: size,
  dict_size: size,
  model_name: shortText.optional(),
  hook_point: shortText.optional(),
});

/** The scalars that its authors' notebook has for their release of Gemma 2 2B, base and it. */
const RELEASED = {
  repository: 'ckkissane/crosscoder-gemma-2-2b-model-diff',
  normScales: [0.2758961493232058, 0.24422852496546169],
} as const;

export const crosscoderReplication = crosscoderAdapter({
  format: FORMAT,
  mark: { folder: (names) => names.includes(FILES.config) && names.includes(FILES.tensors) },
  files: /^(?:cfg\.json|cc_weights\.pt)$/,
  tensors: /^cc_weights\.pt$/,
  takes: ['normScales'],
  fromRepository: (repo) =>
    repo === RELEASED.repository
      ? {
          options: { normScales: RELEASED.normScales },
          conversion: `norm scales ${RELEASED.normScales.join(' and ')} from its authors’ notebook`,
        }
      : null,
  crosscoder: openReplication,
});

/** @throws UserError without the scalars; UnavailableError, MalformedError */
async function openReplication(folder: string, { normScales }: LoadOptions): Promise<CrosscoderFile> {
  const [path, weights] = [join(folder, FILES.config), join(folder, FILES.tensors)];
  const config = await readConfig(path, configSchema, 'the crosscoder replication');
  const source = await openFile(weights);
  try {
    const { value, array } = await readTorchFile(source);
    const tensors = new Map<string, StoredArray>();
    const malformed = (found: string, expected: string) =>
      new TensorBag(source.name, FORMAT, tensors).malformed(found, expected);
    if (!(value instanceof Map)) throw malformed('no state dict', 'a dict of tensors');
    let places = 0;
    for (const [name, tensor] of value) {
      if (!(tensor instanceof TorchTensor)) throw malformed('something that is no tensor', 'tensors only');
      const found = await array(tensor);
      const axis = { W_enc: 0, W_dec: 1 }[name];
      if (axis === undefined) {
        tensors.set(name, found);
        continue;
      }
      if (found.shape.length !== 3) throw malformed(`${name} of ${found.shape.length} axes`, '3');
      places = found.shape[axis]!;
      try {
        tensors.set(name, mergedAxes(found, axis));
      } catch {
        throw malformed(`${name} as a view with gaps`, 'numbers side by side');
      }
    }
    if (places < 2 || places > PLACE_LIMIT)
      throw malformed(`weights of ${places} models`, `2 to ${PLACE_LIMIT}`);
    if (normScales?.length !== places) {
      throw new UserError({
        thing: folder,
        found:
          normScales === undefined
            ? 'no word of how activations are scaled'
            : counted(normScales.length, 'scale'),
        expected: `${places} scales, one for each model: √d over the mean norm of its activations, which the files of a crosscoder do not have`,
        next: 'Append them to its name: #normScales=0.28+0.24.',
      });
    }
    const bag = new TensorBag(source.name, FORMAT, tensors);
    const [d, d_sae] = [config.d_in, config.dict_size];
    const sae = accepted(source.name, {
      architecture: 'relu',
      d_in: places * d,
      d_sae,
      apply_b_dec_to_input: false,
      normalisation: { kind: 'none' },
      W_enc: bag.matrix('W_enc', [places * d, d_sae]),
      W_dec: bag.matrix('W_dec', [d_sae, places * d]),
      b_enc: await bag.take('b_enc', [d_sae]),
      b_dec: await bag.take('b_dec', [places, d]),
    });
    bag.rest();
    return {
      format: FORMAT,
      details: { model_name: config.model_name ?? null, hook_name: config.hook_point ?? null },
      files: [weights, path],
      conversions: [`activations scaled by ${normScales.join(' and ')}, as in training`],
      places,
      d,
      sae,
      scaling: { mean: null, by: Float32Array.from(normScales), epsilon: 0 },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}
