/** A language model cut at a hook with an SAE there, over programs that are run by whoever has them. Pure. */
import { topK } from '../../runner/math/topk.ts';
import type { Change, Next, Reading } from './messages.ts';

/** A program as a function; T is the number of tokens of the text. */
export interface Programs {
  /** ids -> residual at the hook, [T, d_in] */
  before(ids: Int32Array): Promise<Float32Array>;
  /** residual at the hook -> logits, [T, vocabulary] */
  after(residual: Float32Array, tokens: number): Promise<Float32Array>;
  encode(x: Float32Array, tokens: number): Promise<{ values: Float32Array; indices: Int32Array }>;
  /** values and indices [T, k] -> reconstruction [T, d_in] */
  decode(
    latents: { values: Float32Array; indices: Int32Array },
    x: Float32Array,
    tokens: number,
  ): Promise<Float32Array>;
}

/** The part of a tokenizer that is needed. */
export interface Texts {
  encode(text: string, surrounded: boolean): number[];
  decode(ids: readonly number[]): string;
}

/** Next tokens that are shown. */
const SHOWN = 10;

export interface ReadText extends Reading {
  residual: Float32Array;
  /** [T, vocabulary] */
  logits: Float32Array;
}

/**
 * Ids of a text with what the tokenizer puts before it and without what it puts behind it: the text is to go on.
 */
export function idsOf(text: string, tokenizer: Texts): number[] {
  const plain = tokenizer.encode(text, false);
  const whole = tokenizer.encode(text, true);
  for (let from = 0; from + plain.length <= whole.length; from++) {
    if (plain.every((id, i) => whole[from + i] === id)) return whole.slice(0, from + plain.length);
  }
  return plain;
}

/** Text of an id behind others: some decoders take the space from the beginning of what they decode. */
export function textBehind(ids: readonly number[], id: number, tokenizer: Texts): string {
  // Bytes that are no whole character yet are replaced by this mark, until the ones that complete it.
  const before = tokenizer.decode(ids).replace(/\ufffd+$/, '');
  const whole = tokenizer.decode([...ids, id]);
  return ids.length > 0 && whole.startsWith(before) ? whole.slice(before.length) : tokenizer.decode([id]);
}

export async function readText(
  ids: readonly number[],
  programs: Programs,
  tokenizer: Texts,
): Promise<ReadText> {
  const residual = await programs.before(Int32Array.from(ids));
  const { values, indices } = await programs.encode(residual, ids.length);
  const logits = await programs.after(residual, ids.length);
  const tokens = ids.map((id, i) => textBehind(ids.slice(0, i), id, tokenizer));
  return { ids, tokens, k: values.length / ids.length, values, indices, residual, logits };
}

/** What a latent is at each token. */
export function valuesOf({ ids, k, values, indices }: Reading, latent: number): Float32Array {
  const found = new Float32Array(ids.length);
  indices.forEach((each, slot) => {
    if (each === latent) found[Math.floor(slot / k)]! += values[slot]!;
  });
  return found;
}

/** The likeliest next tokens after a position, as they are and with a latent changed at every token up to there. */
export async function nextOf(
  read: ReadText,
  position: number,
  change: Change | null,
  programs: Programs,
  tokenizer: Texts,
): Promise<Next> {
  const before = probabilities(read.logits, position, read.ids.length);
  const after = change === null ? null : await changed(read, position, change, programs);
  const likeliest = [before, ...(after === null ? [] : [after])].flatMap((each) => [
    ...topK(each, Math.min(SHOWN, each.length)).indices,
  ]);
  const behind = read.ids.slice(0, position + 1);
  const tokens = [...new Set(likeliest)].map((id) => ({
    id,
    text: textBehind(behind, id, tokenizer),
    before: before[id]!,
    after: after === null ? null : after[id]!,
  }));
  const larger = (token: { before: number; after: number | null }): number =>
    Math.max(token.before, token.after ?? 0);
  return {
    position,
    change,
    tokens: tokens.sort((a, b) => larger(b) - larger(a) || a.id - b.id).slice(0, SHOWN),
    kl: after === null ? null : divergence(before, after),
  };
}

async function changed(
  read: ReadText,
  position: number,
  change: Change,
  programs: Programs,
): Promise<Float32Array> {
  const residual = await patched(read, change, programs);
  const logits = await programs.after(residual, read.ids.length);
  return probabilities(logits, position, read.ids.length);
}

/**
 * The residual with a latent's part of it exchanged; the SAE's error stays. What one unit of it writes is the difference of
 * two reconstructions, so that whatever decoding undoes is undone.
 */
export async function patched(
  read: ReadText,
  { latent, how, value }: Change,
  programs: Programs,
): Promise<Float32Array> {
  const { ids, k, residual } = read;
  const none = { values: new Float32Array(ids.length * k), indices: new Int32Array(ids.length * k) };
  const one = { values: none.values.slice(), indices: none.indices.slice() };
  for (let slot = 0; slot < one.values.length; slot += k) {
    one.values[slot] = 1;
    one.indices[slot] = latent;
  }
  const rest = await programs.decode(none, residual, ids.length);
  const unit = await programs.decode(one, residual, ids.length);
  const width = residual.length / ids.length;
  const is = valuesOf(read, latent);
  return residual.map((x, at) => {
    const now = is[Math.floor(at / width)]!;
    const wanted = how === 'times' ? value * now : value;
    return x + (wanted - now) * (unit[at]! - rest[at]!);
  });
}

/** Softmax of one position's logits. */
export function probabilities(logits: Float32Array, position: number, tokens: number): Float32Array {
  const width = logits.length / tokens;
  const row = logits.subarray(position * width, (position + 1) * width);
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const each of row) sum += Math.exp(each - most);
  return row.map((each) => Math.exp(each - most) / sum);
}

function divergence(before: Float32Array, after: Float32Array): number {
  let sum = 0;
  before.forEach((p, id) => {
    if (p > 0) sum += p * Math.log(p / Math.max(after[id]!, Number.MIN_VALUE));
  });
  return Math.max(0, sum);
}
