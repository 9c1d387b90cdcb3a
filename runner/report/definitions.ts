/**
 * Every number the project publishes names one of these definitions. A definition never changes in place: a new
 * rule gets a new id. The methodology page is generated from this table, so the words here are the manual. Those of a
 * suite stand with its declaration in suites/.
 *
 * Symbols: x in R^d one token's activations at the hook; z in R^n the SAE's latents; x̂ its reconstruction;
 * e = x − x̂; T the tokens kept by the mask; sums are float64.
 */
import { type Definition, grouped } from './definition.ts';
import { type SimilarityId, similarityDefinitions } from './similarity-definitions.ts';
import { declarations } from './suites/index.ts';

export type { Definition } from './definition.ts';
export { type ComponentName, componentNames, interpScoreComponents } from './suites/interpscore.ts';

/** Of what is measured of every SAE, whatever suites a run asks for, and what is read of others' files besides suites. */
export const baseDefinitions = {
  ...grouped('Reconstruction and sparsity', {
    'var_exp@pooled-v1': {
      metric: 'var_exp',
      title: 'Variance explained',
      short: 'var_exp',
      formula: '1 − Σ‖e‖² / Σ‖x − x̄‖², x̄ the mean over all T',
      note: 'The headline: pooled over all evaluation tokens, so it does not depend on how they were batched.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, 1],
    },
    'var_exp@chunk-v1': {
      metric: 'var_exp',
      title: 'Variance explained, centred per chunk',
      short: 'var_exp (chunk)',
      formula: '1 − Σ‖e‖² / Σ_chunks Σ‖x − x̄_chunk‖², chunk = the tokens of one forward pass',
      note: 'The reference release’s training log and validation report use this form with chunks of 2,048 tokens.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, 1],
    },
    'var_exp@saebench-legacy': {
      metric: 'var_exp',
      title: 'Variance explained, mean of per-token ratios',
      short: 'var_exp (legacy)',
      formula: 'mean_t (1 − ‖e_t‖² / ‖x_t − x̄_batch‖²)',
      note: 'The form of the SAEBench paper and of Neuronpedia; the batch is the rows of one forward pass (SAEBench: 16 rows of 128 tokens). It depends on the batch: the mean of fewer tokens lies nearer to them.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, 1],
    },
    'var_exp@saebench-0.6': {
      metric: 'var_exp',
      title: 'Variance explained, as SAEBench 0.6 computes it',
      short: 'var_exp (SAEBench 0.6)',
      formula: '1 − R / V; R = mean ‖e‖², V = S − (S/d)², S = mean ‖x‖²',
      note: 'Not centred, and it depends on the scale of x: reconstructing by the mean does not score 0. Kept to read others’ files; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, null],
    },
    'mse@per-dim-v1': {
      metric: 'mse',
      title: 'Mean squared error per dimension',
      short: 'MSE',
      formula: 'mean_t ‖e_t‖² / d',
      note: 'Depends on the scale of the activations: compare it within one model and hook only.',
      unit: 'activation²',
      direction: 'lower',
      digits: 5,
      range: [0, null],
    },
    'cosine@v1': {
      metric: 'cosine',
      title: 'Cosine similarity',
      short: 'cosine',
      formula: 'mean_t x·x̂ / (‖x‖ ‖x̂‖)',
      note: 'Not centred: a large mean activation raises it.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [-1, 1],
    },
    'l2_ratio@v1': {
      metric: 'l2_ratio',
      title: 'Norm ratio',
      short: 'L2 ratio',
      formula: 'mean_t ‖x̂‖ / ‖x‖',
      note: 'Below 1 means shrinkage.',
      unit: '',
      direction: 'neutral',
      digits: 4,
      range: [0, null],
    },
    'bias@gated-v1': {
      metric: 'bias',
      title: 'Relative reconstruction bias',
      short: 'bias',
      formula: 'mean ‖x̂‖² / mean (x·x̂)',
      note: '1 is unbiased; below 1 the reconstruction shrinks (Rajamanoharan et al. 2024).',
      unit: '',
      direction: 'neutral',
      digits: 4,
      range: [null, null],
    },
    'l0@v1': {
      metric: 'l0',
      title: 'L0: active latents per token',
      short: 'L0',
      formula: 'mean_t #{j : z_j ≠ 0}',
      note: 'A TopK SAE may fall below k where fewer than k pre-activations are positive.',
      unit: 'latents',
      direction: 'neutral',
      digits: 2,
      range: [0, null],
    },
    'alive@v1': {
      metric: 'alive',
      title: 'Alive latents',
      short: 'alive',
      formula: '#{j : z_j > 0 for some token of the window} / n',
      note: 'Grows with the window, so the window in tokens always stands beside it.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'alive_latents@v1': {
      metric: 'alive_latents',
      title: 'Alive latents, counted',
      short: 'alive latents',
      formula: '#{j : z_j > 0 for some token of the window}',
      note: 'Where a publisher gives the count; of SAEs measured here it is alive · n.',
      unit: 'latents',
      direction: 'higher',
      digits: 0,
      range: [0, null],
    },
    'dead_fraction@v1': {
      metric: 'dead_fraction',
      title: 'Dead fraction',
      short: 'dead',
      formula: '1 − alive',
      note: 'A latent unseen in T tokens may still fire on 3b/T of them (95 % upper bound), b the firings a document of the latents that fired: firings come in bursts.',
      unit: '',
      direction: 'lower',
      digits: 4,
      range: [0, 1],
    },
    'density@v1': {
      metric: 'density',
      title: 'Firing density',
      short: 'density',
      formula: 'firings of a latent / |T|, over the latents as a histogram of its log10',
      note: 'Latents that never fired stand apart: in T tokens their 95 % upper frequency is 3b/T, b the firings a document of those that fired.',
      unit: '',
      direction: 'neutral',
      digits: 4,
      range: [0, 1],
    },
    'var_exp@dictionary-learning': {
      metric: 'var_exp',
      title: 'Variance explained, as dictionary_learning computes it',
      short: 'var_exp (dict. learning)',
      formula: '1 − Σ_i Var(e_i) / Σ_i Var(x_i), mean over batches',
      note: 'The error is centred, so a constant error costs nothing. Only ever read from result files of dictionary_learning; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, 1],
    },
    'skill@v1': {
      metric: 'skill',
      title: 'Skill: the value between a floor and a reference',
      short: 'skill',
      formula: '(value − floor) / (reference − floor), all three on the same rows',
      note: 'Reconstruction: floor an untrained TopK SAE of the same shape and L0 (random unit decoder rows, the encoder their transpose, b_dec the mean), reference the identity. Probing: floor 0.5, which the shuffled-label probe must cover, reference the same probe on the token mean of the activations, which an SAE may beat: the mean over tokens of its latents, each cut off at 0, holds what their mean does not. 0 is the floor, 1 the reference; neither is a bound.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, null],
    },
  }),
  ...grouped('Loss', {
    'loss_clean@v1': {
      metric: 'loss_clean',
      title: 'Loss of the untouched model',
      short: 'CE clean',
      formula: 'L_clean: mean next-token cross entropy',
      note: 'Mean over rows of the row’s mean.',
      unit: 'nats',
      direction: 'neutral',
      digits: 4,
      range: [0, null],
    },
    'loss_sae@v1': {
      metric: 'loss_sae',
      title: 'Loss with the reconstruction spliced in',
      short: 'CE SAE',
      formula: 'L_sae: the activations at the hook replaced by x̂ at every position',
      note: 'Mean over rows of the row’s mean.',
      unit: 'nats',
      direction: 'lower',
      digits: 4,
      range: [0, null],
    },
    'loss_zero@v1': {
      metric: 'loss_zero',
      title: 'Loss with the activations set to zero',
      short: 'CE zero',
      formula: 'L_zero: the activations at the hook replaced by 0 at every position',
      note: 'Mean over rows of the row’s mean.',
      unit: 'nats',
      direction: 'neutral',
      digits: 4,
      range: [0, null],
    },
    'loss_mean@v1': {
      metric: 'loss_mean',
      title: 'Loss with the activations set to their mean',
      short: 'CE mean',
      formula: 'L_mean: the activations at the hook replaced by their mean over the evaluation tokens',
      note: 'A harder baseline than zero: the mean carries no token information, but keeps the scale.',
      unit: 'nats',
      direction: 'neutral',
      digits: 4,
      range: [0, null],
    },
    'loss_recovered@interpscore-0.0.1': {
      metric: 'loss_recovered',
      title: 'Loss recovered',
      short: 'loss rec.',
      formula: 'clip((L_zero − L_sae) / max(L_zero − L_clean, 1e−8), 0, 1)',
      note: 'Each L is the mean over rows of the row’s mean cross entropy; all positions replaced, special tokens included.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
    'loss_recovered@pooled-v1': {
      metric: 'loss_recovered',
      title: 'Loss recovered, token-pooled, not clipped',
      short: 'loss rec. (pooled)',
      formula: '(L_zero − L_sae) / (L_zero − L_clean), each L pooled over tokens',
      note: 'The ratio of the SAEBench core evaluation, on this run’s rows and without its masking.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, null],
    },
    'loss_clean@dictionary-learning': {
      metric: 'loss_clean',
      title: 'Loss of the untouched model (dictionary_learning)',
      short: 'CE clean (dict. learning)',
      formula: 'L_clean: mean over batches of next-token cross entropy',
      note: 'Only ever read from result files of dictionary_learning; never measured here.',
      unit: 'nats',
      direction: 'neutral',
      digits: 4,
      range: [0, null],
    },
    'loss_sae@dictionary-learning': {
      metric: 'loss_sae',
      title: 'Loss with the reconstruction spliced in (dictionary_learning)',
      short: 'CE SAE (dict. learning)',
      formula: 'L_sae: mean over batches of next-token cross entropy',
      note: 'Only ever read from result files of dictionary_learning; never measured here.',
      unit: 'nats',
      direction: 'lower',
      digits: 4,
      range: [0, null],
    },
    'loss_zero@dictionary-learning': {
      metric: 'loss_zero',
      title: 'Loss with the activations set to zero (dictionary_learning)',
      short: 'CE zero (dict. learning)',
      formula: 'L_zero: mean over batches of next-token cross entropy',
      note: 'Only ever read from result files of dictionary_learning; never measured here.',
      unit: 'nats',
      direction: 'neutral',
      digits: 4,
      range: [0, null],
    },
    'loss_recovered@dictionary-learning': {
      metric: 'loss_recovered',
      title: 'Loss recovered (dictionary_learning)',
      short: 'loss rec. (dict. learning)',
      formula: 'mean over batches of (L_sae − L_zero) / (L_clean − L_zero)',
      note: 'Not clipped. Only ever read from result files of dictionary_learning; never measured here.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, null],
    },
  }),
  ...grouped('Metrics held to true features', {
    'composite_without_loss@v1': {
      metric: 'composite_without_loss',
      title: 'Composite of alive, L0 score, dense probing and TPP',
      short: 'composite without loss',
      formula: '(0.15 alive + 0.15 l0_score + 0.25 dense probing + 0.15 tpp) / 0.70',
      note: 'Of the study on synthetic models, which have no loss to recover: it is no InterpScore. Records do not carry it.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [0, 1],
    },
  }),
};

export type BaseDefinitionId = keyof typeof baseDefinitions;

export const baseDefinitionIds = Object.keys(baseDefinitions) as [BaseDefinitionId, ...BaseDefinitionId[]];

export type DefinitionId =
  | BaseDefinitionId
  | SimilarityId
  | IdsOf<(typeof declarations)[number]['definitions']>;

/** The keys of each member of a union. */
type IdsOf<T> = T extends unknown ? keyof T & string : never;

export const definitions: Readonly<Record<DefinitionId, Definition>> = {
  ...baseDefinitions,
  ...(Object.assign({}, ...declarations.map((suite) => suite.definitions)) as Record<
    Exclude<DefinitionId, BaseDefinitionId | SimilarityId>,
    Definition
  >),
  ...similarityDefinitions,
};

export const definitionIds = Object.keys(definitions) as [DefinitionId, ...DefinitionId[]];
