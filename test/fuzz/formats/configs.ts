/** config.json of language models, and the configs of SAEs beside their tensors. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { modelFacts } from '../../../runner/lm/model-facts.ts';
import { loadSae } from '../../../runner/sae/checkpoints/load.ts';
import { checkpoints } from '../../fixtures/lm/checkpoints.ts';
import { type FuzzFormat, pick } from '../format.ts';
import { damagedJson, mutated, parsed } from '../mutate.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const MODEL_WORDS = [
  'rope_scaling',
  'rope_parameters',
  'rope_type',
  'yarn',
  'llama3',
  'linear',
  'dynamic',
  'longrope',
  'factor',
  'sliding_window',
  'layer_types',
  'full_attention',
  'sliding_attention',
  'quantization_config',
  'text_config',
  'hidden_act',
  'gelu',
  'silu',
  ...checkpoints,
];

export const modelConfig: FuzzFormat = {
  name: 'model-config',
  async prepare() {
    const opened = await Promise.all(checkpoints.map((name) => openCheckpoint(join(fixtures, 'lm', name))));
    return async (stream) => {
      const checkpoint = pick(stream, opened);
      const config = parsed(damagedJson(checkpoint.config, stream, MODEL_WORDS));
      if (typeof config !== 'object' || config === null || Array.isArray(config)) return;
      await modelFacts({ ...checkpoint, config: { ...config } });
    };
  },
};

const SAES: readonly (readonly [string, string])[] = [
  ['sae-lens/topk-rescale', 'cfg.json'],
  ['sae-lens/jumprelu-skip-transcoder', 'cfg.json'],
  ['sae-lens/v5-topk', 'cfg.json'],
  ['sae-lens/v3-gated', 'cfg.json'],
  ['sparsify/skip', 'cfg.json'],
  ['sae-lens/matching-pursuit', 'cfg.json'],
  ['sae-lens/checkpoint-standard-scaler', 'activation_scaler.json'],
  ['temporal-sae/layer_2-tied-topk', 'conf.yaml'],
  ['dictionary-learning/MatryoshkaBatchTopKSAE', 'config.json'],
  ['dictionary-learning/GatedAutoEncoder', 'config.json'],
  ['gemma-scope-2/transcoder', 'config.json'],
  ['llama-scope/sae', 'hyperparams.json'],
];
const SAE_WORDS = [
  'standard',
  'topk',
  'jumprelu',
  'gated',
  'abstopk',
  'matching_pursuit',
  'covariance_whitening',
  'batchtopk',
  'transcoder',
  'none',
  'layer_norm',
  'constant_norm_rescale',
  'activation_fn_str',
  'activation_fn_kwargs',
  'k',
  'd_out',
  'apply_b_dec_to_input',
  'AutoEncoderTopK',
  'AutoEncoder',
];

export const saeConfig: FuzzFormat = {
  name: 'sae-config',
  async prepare(folder) {
    const originals = await Promise.all(
      SAES.map(async ([name, file]) => {
        const to = join(folder, name);
        await cp(join(fixtures, 'sae', name), to, { recursive: true });
        const names = await readdir(to, { recursive: true });
        const tensors = names.find((each) => /\.(?:safetensors|pt)$/.test(each) && !each.includes('golden'));
        return {
          to,
          file: join(to, file),
          tensors: join(to, tensors!),
          config: await readFile(join(to, file)),
          weights: await readFile(join(to, tensors!)),
        };
      }),
    );
    return async (stream) => {
      const { to, file, tensors, config, weights } = pick(stream, originals);
      const kind = stream.integer(8);
      const damaged =
        kind === 0
          ? mutated(config, stream)
          : JSON.stringify(damagedJson(JSON.parse(config.toString()), stream, SAE_WORDS));
      await writeFile(file, damaged);
      await writeFile(tensors, kind === 1 ? mutated(weights, stream) : weights);
      await loadSae(to, stream.integer(2) === 0 ? {} : { normScale: 0.5 });
    };
  },
};
