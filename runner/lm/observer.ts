/** What looks on while text goes through a language model (sweep.ts), and what it lets go on beside the clean activations. */
import type { TokenBatch } from './language-model.ts';

/** Where observers look: at a hook of the model, and at what an earlier one gave beside it. */
export interface SweptPlace {
  /** Number of the hook among the model's. */
  hook: number;
  /** Number of the hook whose activations come as `input`. */
  reads: number;
}

/** The clean activations of one batch at one place. */
export interface HookBatch {
  /** Number of the place among those swept: of the hook among the model's, unless the sweep was given others. */
  hook: number;
  /** Number of the batch among those swept. */
  index: number;
  batch: TokenBatch;
  /** [rows, tokens, width of the hook]; not to be changed. */
  residual: Float32Array;
  /** The same array, and at a place that reads another hook [rows, tokens, width of that]; not to be changed. */
  input: Float32Array;
}

/** What a residual ended in, for every position of its batch, [rows · tokens]: see `LanguageModel.finish`. */
export interface Ending {
  nll: Float32Array;
  /** KL(clean ‖ this one); only where the observer asked for divergence. */
  kl?: Float32Array;
}

/** What goes on from a hook in the place of the clean activations, beside them. */
export interface Branch {
  /** [rows, tokens, width of the hook], the sweep's from now on. */
  residual: Float32Array;
  /** The rows of the batch that go on, at least one; all by default. Not of an observer that asks for divergence. */
  rows?: readonly number[];
  ended(ending: Ending): void;
}

/** One vector in the place of the activations at every position of the observer's batches: zero or mean ablation. */
export interface ConstantBranch {
  /** [width of the hook] */
  vector: Float32Array;
  /** One array for each of the observer's batches, as `LanguageModel.finish` gives them. */
  ended(nll: readonly Float32Array[]): void;
}

/**
 * What is called during a sweep. All parts are optional; a batch for which no observer asks for more ends at the last
 * hook. Several observers with batches of their own share a sweep, so that every segment is loaded and run once over them all.
 */
export interface Observer {
  /** Its batches, by their numbers in the sweep, `to` excluded; all by default. It sees them numbered from 0. */
  part?: { from: number; to: number };
  /** About how many branches it lets go on from a batch, over all hooks; none by default. For the time that is left. */
  branches?(index: number): number;
  /** Whether its branches are compared with the clean model by KL; the model must have been opened with divergence. */
  divergence?: boolean;
  /** Called once for each place and batch; batches come in order at each hook, hooks in order for each batch. */
  see?(seen: HookBatch): Promise<readonly Branch[]>;
  /** Called once per place, when all batches were seen there. Its batches must then be of one width. */
  seen?(hook: number): readonly ConstantBranch[];
  /** How many branches `seen` will give at a place, by default one: what they need is not kept for nothing. */
  ablations?(hook: number): number;
  /** Called once per batch with the losses of the model left alone. */
  clean?(index: number, batch: TokenBatch, nll: Float32Array): void;
}

/** Branches that an observer will give at a place when all text was seen there. */
export function ablationsAt({ seen, ablations }: Observer, place: number): number {
  return seen === undefined ? 0 : (ablations?.(place) ?? 1);
}
