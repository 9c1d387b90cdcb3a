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
  /** What a reader must be told beside every value of it. */
  warning?: string;
}

/** Chanin 2026 ran both at their canonical settings. */
const UNRELIABLE =
  'Reported unreliable at its canonical settings (Chanin 2026, arXiv 2605.18229): do not rank SAEs by it.';

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
  'density@v1': {
    metric: 'density',
    title: 'Firing density',
    short: 'density',
    formula: 'firings of a latent / |T|, over the latents as a histogram of its log10',
    note: 'Latents that never fired stand apart: in T tokens their 95 % upper frequency is 3/T.',
    unit: '',
    direction: 'neutral',
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
  'loss_clean@saebench-core': {
    metric: 'loss_clean',
    title: 'Loss of the untouched model (SAEBench core)',
    short: 'CE clean (core)',
    formula: 'L_clean: mean next-token cross entropy over the counted positions',
    note: 'Rows of 128 tokens that begin with BOS; the prediction t → t+1 counts when token t is not BOS, EOS or PAD. Pooled over tokens.',
    unit: 'nats',
    direction: 'neutral',
    digits: 4,
    range: [0, null],
  },
  'loss_sae@saebench-core': {
    metric: 'loss_sae',
    title: 'Loss with the reconstruction spliced in (SAEBench core)',
    short: 'CE SAE (core)',
    formula: 'L_sae: the residual replaced by x̂ where the token is not BOS, EOS or PAD',
    note: 'Special tokens keep their own residual. Same rows, same positions counted.',
    unit: 'nats',
    direction: 'lower',
    digits: 4,
    range: [0, null],
  },
  'loss_zero@saebench-core': {
    metric: 'loss_zero',
    title: 'Loss with the residual set to zero (SAEBench core)',
    short: 'CE zero (core)',
    formula: 'L_zero: the residual replaced by 0 at every position, special tokens included',
    note: 'Same rows, same positions counted.',
    unit: 'nats',
    direction: 'neutral',
    digits: 4,
    range: [0, null],
  },
  'loss_recovered@saebench-core': {
    metric: 'loss_recovered',
    title: 'Loss recovered (SAEBench core)',
    short: 'loss rec. (core)',
    formula: '(L_zero − L_sae) / (L_zero − L_clean), the three losses of the core rows',
    note: 'SAEBench’s ce_loss_score: pooled over tokens and not clipped, so it may leave 0 to 1.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [null, null],
  },
  'kl_sae@saebench-core': {
    metric: 'kl_sae',
    title: 'KL divergence with the reconstruction spliced in',
    short: 'KL SAE',
    formula:
      'KL_sae: mean over unmasked positions of Σ_v p(v) (log p(v) − log q(v)), p untouched, q with x̂ spliced in',
    note: 'Over the whole vocabulary, the last position of a row included. Same rows and splice as the core losses.',
    unit: 'nats',
    direction: 'lower',
    digits: 4,
    range: [0, null],
  },
  'kl_zero@saebench-core': {
    metric: 'kl_zero',
    title: 'KL divergence with the residual set to zero',
    short: 'KL zero',
    formula: 'KL_zero: the same with the residual 0 at every position',
    note: 'Same rows, same positions counted.',
    unit: 'nats',
    direction: 'neutral',
    digits: 4,
    range: [0, null],
  },
  'kl_recovered@saebench-core': {
    metric: 'kl_recovered',
    title: 'KL recovered',
    short: 'KL rec.',
    formula: '(KL_zero − KL_sae) / KL_zero',
    note: 'SAEBench’s kl_div_score. It sees changes of the prediction that leave the next token’s loss alone.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [null, 1],
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
  'probe_acc_k@saebench': {
    metric: 'probe_acc_k',
    title: 'k-sparse probing, accuracy',
    short: 'k-sparse acc.',
    formula:
      'test accuracy of an L2 logistic regression (C = 1) on the k latents of largest |mean⁺ − mean⁻| in the training rows; mean over classes, then data sets',
    note: 'Balanced one-against-the-rest tasks on the token mean of z, special tokens left out, texts cut at 128 tokens. Always beside it: the same rule on raw residual channels, and a probe on the whole residual as ceiling.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [0, 1],
  },
  'probe_auc_k@saebench': {
    metric: 'probe_auc_k',
    title: 'k-sparse probing, AUROC',
    short: 'k-sparse AUROC',
    formula: 'the same probes’ test AUROC',
    note: 'SAEBench gives the accuracy alone; AUROC does not depend on where the probe puts its threshold.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [0, 1],
  },
  'tpp@saebench-N': {
    metric: 'tpp_n',
    title: 'Targeted probe perturbation (SAEBench)',
    short: 'TPP (SAEBench)',
    formula:
      'mean over classes c of [fall of probe c’s accuracy − mean fall of the others’] when the N latents of largest max(0, mean⁺_j − mean⁻_j)·(w_c·d_j) are set to 0: x′ = decode(z ablated) + (x − x̂)',
    note: 'Linear probes on the token mean of the residual, trained as SAEBench does (AdamW, 20 epochs of batches of 16, learning rate and L1 penalty 1e−3) but kept from the last epoch: SAEBench keeps the epoch best on the test rows. Padding is left out; SAEBench adds what the SAE decodes from it.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [-1, 1],
    warning: UNRELIABLE,
  },
  'scr@saebench-N': {
    metric: 'scr_n',
    title: 'Spurious correlation removal',
    short: 'SCR',
    formula:
      '(acc_after − acc_biased) / (acc_clean − acc_biased), the N latents of largest |(mean⁺_j − mean⁻_j)·(w·d_j)| for the unwanted concept’s probe w set to 0; 0 when the denominator is below 0.001',
    note: 'acc_biased is of a probe trained where both concepts coincide, tested where they do not; acc_clean of one trained without the coincidence. Of the two directions the one counts whose biased probe is worse. Probes and padding as for TPP.',
    unit: '',
    direction: 'higher',
    digits: 4,
    range: [null, null],
    warning: UNRELIABLE,
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
