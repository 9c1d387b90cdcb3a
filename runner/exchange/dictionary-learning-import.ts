/**
 * `eval_results.json` of dictionary_learning (https://github.com/saprmarks/dictionary_learning, evaluation.py), with the
 * trainer's `config.json` beside it. Every value is a mean over batches of the batch's own; the file does not say how
 * many tokens they held.
 */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote } from '../errors.ts';
import { sha256 } from '../io/hash.ts';
import type { SaeOrigin } from '../report/origin-schema.ts';
import type { EvaluationRecord } from '../report/schema.ts';
import {
  type Architecture,
  disagreement,
  fact,
  imported,
  importedRecord,
  type Known,
  metricsOf,
  optionalFact,
  unread,
} from './imported.ts';
import { checked, loose, type ResultFile } from './result-file.ts';
import { layerInHook } from './same-sae.ts';

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
    steps: z.int().nonnegative().nullish(),
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

/**
 * @param config the `config.json` beside it, when there is one
 * @throws UserError when its SAE is not said, or said twice and differently
 */
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
  const { path } = file;
  const layer = fact(trainer.layer, known.layer, '--layer', path);
  const inHook = layerInHook(trainer.submodule_name ?? '');
  if (inHook !== null && inHook !== layer)
    throw disagreement(path, ['layer', layer], ['submodule_name', trainer.submodule_name]);
  const model = fact(trainer.lm_name, known.model, '--model', path);
  const d_sae = fact(trainer.dict_size, known.latents, '--latents', path);
  const k = optionalFact(trainer.k, known.k, '--k', path);
  const origin = originOf(path, config, trainer.steps ?? null);
  // A sweep has its trainers in folders of their own, often with nothing else to tell them apart by name.
  const parts = [model.split('/').at(-1), `L${layer}`, trainer.dict_class ?? 'dictionary', String(d_sae)];
  const name = [known.name ?? parts.join(' '), k === null ? null : `k${k}`, origin.member]
    .filter((part) => part !== null)
    .join(' ');
  return importedRecord(
    {
      key: name,
      name,
      repo: null,
      model,
      layer,
      d_sae,
      architecture: fact(kindOf(trainer.dict_class, path), known.architecture, '--architecture', path),
      hook: trainer.submodule_name ?? `residual stream after block ${layer}`,
      d_in: trainer.activation_dim ?? null,
      k,
      tokens_trained: null,
      origin,
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
      caveats: [
        'Means over batches; the file does not say on which text, nor on how many tokens.',
        ...unread(
          Object.entries(found)
            .filter(([field, value]) => typeof value === 'number' && !Object.hasOwn(resultsFile.shape, field))
            .map(([field]) => field),
        ),
      ],
    },
    path,
  );
}

/** @throws MalformedError for a class that no record has an architecture for */
function kindOf(name: string | null | undefined, path: string): Architecture | undefined {
  if (name == null) return undefined;
  const kind = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (kind !== undefined) return kind;
  throw new MalformedError({
    thing: `${path}, dict_class of its config.json`,
    found: quote(name),
    expected: `one of ${Object.keys(CLASSES).join(', ')}`,
    next: 'Leave the file out: no record has this architecture.',
  });
}

/** `SWEEP/resid_post_layer_3/trainer_0/eval_results.json`: names of folders, never a path of this machine. */
function originOf(path: string, config: ResultFile | undefined, step: number | null): SaeOrigin {
  const [member = '', release = ''] = dirname(resolve(path)).split(/[\\/]/).reverse();
  const trainer = /^trainer_\d+$/.test(member);
  return {
    release: trainer && release !== '' ? release.slice(0, 200) : null,
    member: trainer ? member.slice(0, 200) : null,
    step,
    config_sha256: config === undefined ? null : sha256(JSON.stringify(config.value)),
  };
}
