/** What a language model gives, whatever opens it, and the batches that it reads. */
import { quote, UserError } from '../errors.ts';
import { type Hook, indexOfHook } from '../hook.ts';
import type { HeldTensor } from '../onnx/session.ts';
import type { CutWidths } from './cut.ts';
import type { PlacedSegment } from './placement.ts';

/** Token ids of several rows of equal width; rows shorter than that are padded on the right. */
export interface TokenBatch {
  /** [rows · tokens] */
  ids: Int32Array;
  rows: number;
  tokens: number;
  /** Real tokens of each row, [rows]; absent when every row is full. */
  lengths?: Int32Array;
  /** Number of the document that each row belongs to, [rows]: what intervals resample. Absent where rows stand alone. */
  documents?: Int32Array;
  /** Of a synthetic model, where ids are numbers of samples: the stream that they number. */
  stream?: string;
}

/** What gives activations at hooks: a language model, or a synthetic one, which has neither text nor losses. */
export interface ActivationModel {
  readonly family: string;
  readonly blocks: number;
  readonly dModel: number;
  /** Number type most of the weights are stored in, as the checkpoint names it. */
  readonly storedType: string;
  /** What a reader of results should know of its files. */
  readonly notes: readonly string[];
  /** Where activations are looked at, in the order of `orderedHooks`. */
  readonly hooks: readonly Hook[];
  /** In order; work on much text goes through them by `sweep`. */
  readonly segments: readonly PlacedSegment[];
  /** What travels behind each segment but the last. */
  readonly widths: readonly CutWidths[];
  /**
   * False when one segment is loaded at a time: asking for another one unloads it. All methods still work, but
   * only a sweep of many batches together loads each segment once.
   */
  readonly resident: boolean;
  /**
   * What travels behind segment number `segment`, which is not the last: the hook's own tensor [rows, tokens, value], and
   * behind it in the same array the residual beside it, [rows, tokens, beside], by its widths.
   *
   * @param residual what the segment before gave; the first one takes the batch's ids, and null here
   */
  advance(segment: number, residual: Float32Array | null, batch: TokenBatch): Promise<Float32Array>;
  /** The activations at each hook up to and including hook `last` (default: all): [rows, tokens, width of the hook] each. */
  residuals(batch: TokenBatch, last?: number): Promise<Float32Array[]>;
  close(): Promise<void>;
}

export interface LanguageModel extends ActivationModel {
  /**
   * As `residuals`, where the segments compute them, [rows, tokens, width of the hook] each: the caller's to dispose of. Of a
   * resident model alone.
   *
   * @throws MalformedError for the first value that is not finite, as `residuals` does
   */
  heldResiduals(batch: TokenBatch): Promise<HeldTensor[]>;
  readonly vocabulary: number;
  /**
   * Next-token cross entropy in nats, [rows · tokens], from what the last segment takes.
   * Positions without a next token hold 0: `lossCount` says how many count.
   */
  finish(residual: Float32Array | null, batch: TokenBatch): Promise<Float32Array>;
  /**
   * As `finish`, and with it KL(clean ‖ patched) in nats over the whole vocabulary, [rows · tokens], at every position
   * that is not padding, the last of a row included (0 elsewhere); only if opened with divergence, when what the last segment takes is the residual after
   * the last block.
   */
  finishDivergence(residual: Float32Array, clean: Float32Array, batch: TokenBatch): Promise<Divergence>;
  /**
   * Losses of every batch from one row of what the last segment takes, [1, tokens, dModel]: for a residual that was
   * replaced by the same vector at every position, so that the text no longer matters.
   *
   * @param batches of one width
   * @returns one array a batch, as `finish` gives them
   */
  finishForAll(residual: Float32Array, batches: readonly TokenBatch[]): Promise<Float32Array[]>;

  /**
   * Where a residual ends in that goes on from behind a segment: as `finish`, with a clean residual as `finishDivergence`. Segments
   * in between pass it on where they compute it.
   */
  endings(
    going: Going & { clean?: Float32Array | undefined },
  ): Promise<{ nll: Float32Array; kl?: Float32Array }>;

  // The same for one batch at a time, from any hook in the residual stream.

  /** As `finish`, of the model continued from a residual at hook number `hook`. */
  losses(hook: number, residual: Float32Array, batch: TokenBatch): Promise<Float32Array>;
  /** As `finishForAll`, of the model continued from `vector` [dModel] at every position of hook number `hook`. */
  lossesOfConstant(
    hook: number,
    vector: Float32Array,
    batches: readonly TokenBatch[],
  ): Promise<Float32Array[]>;
  /** As `losses`, giving logits [rows, tokens, vocabulary]; only if opened with logits. */
  logits(hook: number, residual: Float32Array, batch: TokenBatch): Promise<Float32Array>;
  /**
   * The residual after the last block, [rows, tokens, dModel], of the model continued from one at hook `hook`;
   * only if opened with divergence.
   */
  finalResidual(hook: number, residual: Float32Array, batch: TokenBatch): Promise<Float32Array>;
  /**
   * As `finishDivergence`, of the model continued from the patched residual at hook number `hook`.
   *
   * @param clean what `finalResidual` gives for the clean one; it serves any number of patched ones
   */
  divergences(
    hook: number,
    residual: Float32Array,
    clean: Float32Array,
    batch: TokenBatch,
  ): Promise<Divergence>;
}

/** What goes on through the rest of a model, and from where. */
export interface Going {
  /** Number of the segment that it comes behind. */
  from: number;
  /** As `advance` gives it; with `value` what travels beside the hook's own tensor alone. */
  residual: Float32Array;
  /** The hook's own tensor [rows, tokens, value], where it does not stand before the rest in one array. */
  value?: Float32Array | undefined;
  batch: TokenBatch;
  /** Called before each segment; what it throws ends the way. */
  between?: (() => void) | undefined;
}

export function hasLosses(model: ActivationModel): model is LanguageModel {
  return 'finish' in model;
}

/** Of each position, [rows · tokens], in nats. */
export interface Divergence {
  nll: Float32Array;
  kl: Float32Array;
}

/** Number of positions of one row that have a next token. */
export function lossCount(batch: TokenBatch, row: number): number {
  return Math.max(0, (batch.lengths?.[row] ?? batch.tokens) - 1);
}

/** The error for a token that the model has no embedding of: its tokenizer has more tokens than it. */
export function tokenBeyond(id: number, vocabulary: number, text?: string): UserError {
  return new UserError({
    thing: `token ${id}${text === undefined ? '' : ` (${quote(text)})`}`,
    found: `a language model with embeddings of ${vocabulary} tokens`,
    expected: `tokens below ${vocabulary}`,
    next: 'Use the tokenizer that the model was trained with: tokens were added to this one, and the model’s embedding was not widened.',
  });
}

/** Numbers of a token at a hook of the model. */
export function hookWidth({ segments, hooks, widths }: ActivationModel, hook: Hook): number {
  const number = indexOfHook(hooks, hook);
  return widths[segments.findIndex((segment) => segment.hook === number)]!.value;
}

/** One vector at every position of a row: [tokens, dModel]. */
export function repeated(vector: Float32Array, tokens: number): Float32Array {
  const row = new Float32Array(tokens * vector.length);
  for (let at = 0; at < row.length; at += vector.length) row.set(vector, at);
  return row;
}

/** Some rows of a batch, in the order asked for. */
export function rowsOfBatch(
  { ids, tokens, lengths, documents }: TokenBatch,
  rows: readonly number[],
): TokenBatch {
  const some = Int32Array.from(rows);
  const chosen = new Int32Array(rows.length * tokens);
  rows.forEach((row, i) => {
    chosen.set(ids.subarray(row * tokens, (row + 1) * tokens), i * tokens);
  });
  return {
    ids: chosen,
    rows: rows.length,
    tokens,
    ...(lengths && { lengths: some.map((row) => lengths[row]!) }),
    ...(documents && { documents: some.map((row) => documents[row]!) }),
  };
}

/** A row whose tokens do not matter, because its residual is given. */
export function rowOf(tokens: number): TokenBatch {
  return { ids: new Int32Array(tokens), rows: 1, tokens };
}
