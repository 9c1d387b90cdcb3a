/** Settings of training and of encoding in words; what has none stands under its own name. */
import { formatCount, formatPlain } from './format.ts';

const words: Readonly<Record<string, string>> = {
  dSae: 'Latents (d_sae)',
  k: 'Latents kept per token (k)',
  kAux: 'Dead latents in the auxiliary loss (k_aux)',
  alphaAux: 'Weight of the auxiliary loss (α)',
  auxVariant: 'Form of the auxiliary loss',
  deadThresholdTokens: 'Tokens without firing after which a latent is dead',
  deadCounting: 'When dead latents are counted',
  batchTokens: 'Tokens per step',
  learningRate: 'Peak learning rate',
  learningRateFloor: 'Lowest learning rate',
  warmupSteps: 'Warm-up steps',
  scheduleSteps: 'Steps of the cosine schedule',
  gradientClip: 'Gradient clipped to a norm of',
  adamBeta1: 'Adam β₁',
  adamBeta2: 'Adam β₂',
  adamEpsilon: 'Adam ε',
  unitNormDecoder: 'Decoder rows projected to unit norm after each step',
  biasInitSamples: 'Activations whose geometric median begins b_dec',
  weiszfeldIterations: 'Iterations of that median (Weiszfeld)',
  normalisation: 'Normalisation of activations',
  applyBDecToInput: 'b_dec subtracted before encoding',
  selection: 'Selection of latents',
  rescale_acts_by_decoder_norm: 'Latents selected by their value times their decoder’s norm',
  residual_threshold: 'Norm of what is left at which encoding ends',
  max_iterations: 'Steps after which encoding ends',
  stop_on_duplicate_support: 'Encoding ends at a step that adds no latent',
  apply_b_dec_to_input: 'b_dec subtracted before encoding',
  normalize_activations: 'Normalisation of activations',
  scaling_factor: 'Scalar of the normalisation',
  attention_heads: 'Heads of attention over earlier tokens',
  seed: 'Seed',
  source: 'Training text',
  rowTokens: 'Tokens per packed row',
  saeType: 'Number type of the SAE',
  checkpointEveryTokens: 'Tokens between saved checkpoints',
  activations: 'Activations between language model and SAE',
  shuffleMegabytes: 'Shuffle buffer, MB',
  tokensDropped: 'Tokens left out',
  normsCapped: 'Activations whose norm was capped',
  completed: 'Completed',
  wallTime: 'Wall time',
  cost: 'Cost',
};

export function settingLabel(name: string): string {
  return words[name] ?? name;
}

export function settingText(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? formatCount(value) : formatPlain(value);
}
