/**
 * `eval_results.json` of dictionary_learning (https://github.com/saprmarks/dictionary_learning, evaluation.py), with the
 * trainer's `config.json` beside it. Every value is a mean over batches of the batch's own; the file does not say how
 * many tokens they held.
 */
import { z } from 'zod';
import type { EvaluationRecord } from '../report/schema.ts';
import { type Architecture, fact, imported, importedRecord, type Known, metricsOf } from './imported.ts';
import { checked, loose, type ResultFile } from './result-file.ts';

const resultsFile = z.looseObject({
  l0: loose,
  frac_variance_explained: loose,
  cossim: loose,
  l2_ratio: loose,
  relative_reconstruction_bias: loose,
  loss_original: loose,
  loss_reconstructed: loose,
  loss_zero: loose,
  frac_recovered: loose,
  frac_alive: loose,
});

const trainerConfig = z.looseObject({
  trainer: z.looseObject({
    dict_class: z.string().max(200).nullish(),
    activation_dim: z.int().positive().nullish(),
    dict_size: z.int().positive().nullish(),
    k: z.int().positive().nullish(),
    layer: z.int().nonnegative().nullish(),
    lm_name: z.string().max(300).nullish(),
    submodule_name: z.string().max(300).nullish(),
  }),
});

const CLASSES: Readonly<Record<string, Architecture>> = {
  AutoEncoder: 'relu',
  AutoEncoderNew: 'relu',
  AutoEncoderTopK: 'topk',
  BatchTopKSAE: 'batchtopk',
  MatryoshkaBatchTopKSAE: 'matryoshka',
  GatedAutoEncoder: 'gated',
  JumpReluAutoEncoder: 'jumprelu',
};

export function isDictionaryLearning(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'frac_variance_explained' in value;
}

/** @param config the `config.json` beside it, when there is one */
export function importDictionaryLearning(
  file: ResultFile,
  config: ResultFile | undefined,
  known: Known,
): EvaluationRecord {
  const found = checked(resultsFile, file, 'an eval_results.json of dictionary_learning');
  const trainer =
    config === undefined
      ? {}
      : checked(trainerConfig, config, 'a config.json of dictionary_learning').trainer;
  const layer = fact(trainer.layer, known.layer, '--layer', file.path);
  const model = fact(trainer.lm_name, known.model, '--model', file.path);
  const kind = trainer.dict_class == null ? undefined : CLASSES[trainer.dict_class];
  const name = known.name ?? `${model.split('/').at(-1)} L${layer} ${trainer.dict_class ?? 'dictionary'}`;
  return importedRecord(
    {
      key: name,
      name,
      repo: null,
      model,
      layer,
      d_sae: fact(trainer.dict_size, known.latents, '--latents', file.path),
      architecture: fact(kind, known.architecture, '--architecture', file.path),
      hook: trainer.submodule_name ?? `residual stream after block ${layer}`,
      d_in: trainer.activation_dim ?? null,
      k: trainer.k ?? null,
      tokens_trained: null,
    },
    {
      metrics: metricsOf({
        'var_exp@dictionary-learning': imported(found.frac_variance_explained),
        'cosine@v1': imported(found.cossim),
        'l2_ratio@v1': imported(found.l2_ratio),
        'bias@gated-v1': imported(found.relative_reconstruction_bias, {
          note: 'Mean over batches of the batch’s ratio.',
        }),
        'l0@v1': imported(found.l0),
        'alive@v1': imported(found.frac_alive, { note: 'The file does not say over how many tokens.' }),
        'loss_clean@dictionary-learning': imported(found.loss_original),
        'loss_sae@dictionary-learning': imported(found.loss_reconstructed),
        'loss_zero@dictionary-learning': imported(found.loss_zero),
        'loss_recovered@dictionary-learning': imported(found.frac_recovered),
      }),
    },
    {
      text: 'dictionary_learning eval_results.json',
      started: null,
      caveats: ['Means over batches; the file does not say on which text, nor on how many tokens.'],
    },
    file.path,
  );
}
