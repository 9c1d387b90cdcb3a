/**
 * Every number the project publishes names one of these definitions. A definition never changes in place: a new
 * rule gets a new id. The methodology page is generated from this table, so the words here are the manual.
 *
 * Symbols: x in R^d one token's residual at the hook; z in R^n the SAE's latents; x̂ its reconstruction;
 * e = x − x̂; T the tokens kept by the mask; sums are float64.
 */

export type Direction = 'higher' | 'lower' | 'neutral';

export interface Definition {
  /** What is measured, without the version: the column a value stands in. */
  metric: string;
  title: string;
  /** Shortest label a table column can carry. */
  short: string;
  formula: string;
  note: string;
  unit: '' | 'nats' | 'latents' | 'tokens' | 'activation²';
  direction: Direction;
  /** Digits after the point when printed. */
  digits: number;
  /** Range the value must lie in, both ends included; null where there is no bound. */
  range: readonly [number | null, number | null];
}

function define<const T extends Record<string, Definition>>(table: T): Readonly<T> {
  return table;
}

export const definitions = define({
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
    note: 'The form of the SAEBench paper and of Neuronpedia; the batch is one row here.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [null, 1],
  },
  'mse@per-dim-v1': {
    metric: 'mse',
    title: 'Mean squared error per dimension',
    short: 'MSE',
    formula: 'mean_t ‖e_t‖² / d',
    note: 'Depends on the scale of the residual stream: compare it within one model and layer only.',
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
  'dead_fraction@v1': {
    metric: 'dead_fraction',
    title: 'Dead fraction',
    short: 'dead',
    formula: '1 − alive',
    note: 'A latent unseen in T tokens still has a 95 % upper frequency of 3/T.',
    unit: '',
    direction: 'lower',
    digits: 4,
    range: [0, 1],
  },
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
    formula: 'L_sae: the residual at the hook replaced by x̂ at every position',
    note: 'Mean over rows of the row’s mean.',
    unit: 'nats',
    direction: 'lower',
    digits: 4,
    range: [0, null],
  },
  'loss_zero@v1': {
    metric: 'loss_zero',
    title: 'Loss with the residual set to zero',
    short: 'CE zero',
    formula: 'L_zero: the residual at the hook replaced by 0 at every position',
    note: 'Mean over rows of the row’s mean.',
    unit: 'nats',
    direction: 'neutral',
    digits: 4,
    range: [0, null],
  },
  'loss_mean@v1': {
    metric: 'loss_mean',
    title: 'Loss with the residual set to its mean',
    short: 'CE mean',
    formula: 'L_mean: the residual at the hook replaced by its mean over the evaluation tokens',
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
  'l0_score@interpscore-0.0.1': {
    metric: 'l0_score',
    title: 'L0 score',
    short: 'L0 score',
    formula: 'exp(−|ln(L0 / 80)|) = min(L0/80, 80/L0); 0 when L0 ≤ 0',
    note: 'A preference for about 80 active latents, whatever the model’s width.',
    unit: '',
    direction: 'higher',
    digits: 3,
    range: [0, 1],
  },
  'probe_auc_dense@interpscore-0.0.1': {
    metric: 'sparse_probing',
    title: 'Dense probing AUROC (“sparse_probing”)',
    short: 'probing',
    formula:
      'mean over tasks of the test AUROC of an L2 logistic regression (C = 1, balanced classes) on the token mean of z',
    note: 'It is a dense probe over all n latents, whatever InterpScore calls it. First 1,500 usable rows, CPython shuffle with seed 0, first 80 % train, texts cut at 256 tokens.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [0, 1],
  },
  'tpp@interpscore-0.0.1': {
    metric: 'tpp',
    title: 'Targeted probe perturbation (InterpScore)',
    short: 'TPP',
    formula:
      'clip((AUC − AUC_ablated) / max(AUC, 1e−8), 0, 1); the top ⌊0.005·n⌋ latents by |weight| set to 0',
    note: 'On the first 1,000 rows of the toxicity task. It is not SAEBench’s TPP.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [0, 1],
  },
  'interpscore@0.0.1': {
    metric: 'interpscore',
    title: 'InterpScore v0.0.1',
    short: 'InterpScore',
    formula: '0.30 loss_recovered + 0.15 alive + 0.15 l0_score + 0.25 sparse_probing + 0.15 tpp',
    note: 'The composite of the reference release.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [0, 1],
  },
});

export type DefinitionId = keyof typeof definitions;

export const definitionIds = Object.keys(definitions) as [DefinitionId, ...DefinitionId[]];

/** The composite's components, in the order of its formula, with the definition each must carry. */
export const interpScoreComponents = {
  loss_recovered: { definition: 'loss_recovered@interpscore-0.0.1', weight: 0.3 },
  alive: { definition: 'alive@v1', weight: 0.15 },
  l0_score: { definition: 'l0_score@interpscore-0.0.1', weight: 0.15 },
  sparse_probing: { definition: 'probe_auc_dense@interpscore-0.0.1', weight: 0.25 },
  tpp: { definition: 'tpp@interpscore-0.0.1', weight: 0.15 },
} as const satisfies Record<string, { definition: DefinitionId; weight: number }>;

export type ComponentName = keyof typeof interpScoreComponents;

export const componentNames = Object.keys(interpScoreComponents) as [ComponentName, ...ComponentName[]];
