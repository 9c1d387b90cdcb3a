/** Floating-point operations of a run: of the language model, which SAEs share, and of each SAE by itself. */
import type { SuitesSettings, TrainingSettings } from '../../config/sections.ts';
import { type Hook, hookName, type Place, readHook } from '../../hook.ts';
import type { Family } from '../../lm/families/family.ts';
import { type ModelParts, numbersOf } from '../../lm/parts.ts';
import { widthsAt } from '../../lm/segments.ts';
import { type ContextShape, predictionOperations } from '../../sae/predicting.ts';
import type { Suite } from '../../suites/suite.ts';
import { readingsOf } from '../evaluation/pooled-memory.ts';

/** Of an SAE what its work follows from. Of what the language model does where in a block it stands makes little difference. */
export interface WorkingSae extends Place {
  d_sae: number;
  /** Whether the run trains it. */
  trained: boolean;
  /** Of a temporal SAE. */
  context?: ContextShape | undefined;
  /** Whether it is a cross-layer transcoder, of which `d_sae` are the latents of all layers. */
  crossLayer?: boolean;
}

/** A text that goes through the language model, with the operations for each token of it. */
export interface TextWork {
  tokens: number;
  /** Of the language model with SAEs at hooks of these blocks, ascending. */
  pass(layers: readonly number[]): number;
  /** Of the SAE itself, which computes in float32. */
  sae(sae: WorkingSae): number;
  /** Of the language model that goes on from what the SAE made. */
  branch(sae: WorkingSae): number;
}

export interface RunWork {
  /** As far as the last hook. */
  training: TextWork;
  /** The held-out text. */
  evaluation: TextWork;
  /** For each token of it, of the language model with zero and with the mean in the place of a hook's activations. */
  ablations(hook: Hook): number;
  /** What the suites read, in the order of `readingsOf`, each as long as it may be. */
  readings: readonly TextWork[];
}

/**
 * Of a training step for each token: forward and backward through encoder and decoder, both read densely, which is an
 * upper bound of a sparse decoder's work.
 */
export function stepOperations(d_in: number, d_out: number, d_sae: number): number {
  return 3 * 2 * (d_in + d_out) * d_sae;
}

export function workOf(
  config: SuitesSettings & { training: { tokens: number }; corpus: { rowTokens: number } },
  suites: readonly Suite[],
  parts: ModelParts,
  family: Family,
): RunWork {
  const widths = new Map<string, number>();
  const widthAt = (hook: Hook): number => {
    const name = hookName(hook);
    const found = widths.get(name) ?? widthsAt(family, hook).value;
    widths.set(name, found);
    return found;
  };
  /** Encoding a token; decoding it from few latents is next to nothing. */
  const encode = (sae: WorkingSae, sequence: number): number => {
    const { d_sae, context } = sae;
    const d_in = widthAt(readHook(sae));
    const prediction = context === undefined ? 0 : predictionOperations({ d_in, d_sae }, context, sequence);
    return 2 * d_in * d_sae + prediction;
  };
  // A product of a token with a weight is two operations a number; embeddings are looked up.
  const block = (index: number): number =>
    2 * numbersOf(parts, { first: index, last: index, embedding: false, head: false });
  const head = 2 * numbersOf(parts, { first: 0, last: -1, embedding: false, head: true });
  const after = Array.from({ length: family.blocks }, () => 0);
  for (let layer = family.blocks - 2; layer >= 0; layer--)
    after[layer] = after[layer + 1]! + block(layer + 1);
  const whole = block(0) + after[0]!;
  const upTo = (layers: readonly number[]): number => whole - after[layers.at(-1)!]!;
  return {
    training: {
      tokens: config.training.tokens,
      pass: upTo,
      sae: (sae) => (sae.trained ? stepOperations(widthAt(readHook(sae)), widthAt(sae), sae.d_sae) : 0),
      branch: () => 0,
    },
    evaluation: {
      tokens: config.evaluation.tokens,
      pass: () => whole + head,
      // A cross-layer transcoder is asked on the model left alone, and on that whose MLPs it replaces.
      sae: (sae) => (sae.crossLayer ? 2 : 1) * encode(sae, config.corpus.rowTokens),
      // In its place, in that of zero and in that of means the whole model runs again.
      branch: ({ layer, crossLayer }) => (crossLayer ? 3 * (whole + head) : after[layer]! + head),
    },
    // In the residual stream one row stands for all text, where nothing else travels beside it.
    ablations: (hook) => (widthsAt(family, hook).beside > 0 ? 2 * (after[hook.layer]! + head) : 0),
    readings: readingsOf(config, suites).map(({ rows, rowTokens, spliced }): TextWork => {
      const tokens = rows * rowTokens;
      const sae = (of: WorkingSae): number => encode(of, rowTokens);
      if (!spliced) return { tokens, pass: upTo, sae, branch: () => 0 };
      // Each SAE's branch and each hook's zero end in two heads: their own and the clean one.
      return {
        tokens,
        pass: (layers) => whole + head + layers.reduce((sum, layer) => sum + after[layer]! + 2 * head, 0),
        sae,
        branch: ({ layer }) => after[layer]! + 2 * head,
      };
    }),
  };
}

/** Of a run on a synthetic model, whose samples cost next to nothing: forward and backward of each SAE, and once more. */
export function workOfSamples({
  evaluation,
  training,
}: SuitesSettings & { training: Pick<TrainingSettings, 'tokens'> }): RunWork {
  const free = { pass: () => 0, branch: () => 0 };
  return {
    training: { ...free, tokens: training.tokens, sae: ({ d_sae, trained }) => (trained ? 3 * d_sae : 0) },
    evaluation: { ...free, tokens: evaluation.tokens, sae: ({ d_sae }) => d_sae },
    ablations: () => 0,
    readings: [],
  };
}
