/** What an SAE makes of one's own text: its latents token by token, the stretches they fire on, and what they write. */
import { UserError } from '../errors.ts';
import { type HookLike, hookName, hookOf } from '../hook.ts';
import { LatentEvidence } from '../metrics/latent-evidence.ts';
import { type DecoderRows, decoderRows, pickedRows } from '../sae/directions.ts';
import { type Neighbour, nearestRows } from '../sae/nearest-rows.ts';
import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents, Sae } from '../sae/sae.ts';
import type { StoredSae } from '../sae/stored-sae.ts';
import type { TextModel } from './open-model.ts';

/** A text as an SAE encodes it: `k` slots a token in `indices` and `values`, [tokens · k], zeros being empty. */
export interface EncodedText extends Latents {
  /** [tokens] */
  ids: number[];
  /** The text of each token. */
  tokens: string[];
}

/**
 * The latents of a text, token by token.
 *
 * @param model opened for the hook that the SAE is of
 * @param text or token ids, used as they are
 * @param hook that the SAE is of; may be left out where the model was opened for one
 * @throws UserError where the model is of another width, and as `TextModel.activations` does
 *
 * @example
 * ```js
 * import { encodeText, getSae, openModel, openSae } from 'interpboard-library';
 *
 * const file = await getSae('runs/small-world#layer=2');
 * const [sae, model] = [await openSae(file.sae), await openModel(null, { hooks: [2] })];
 * const { tokens, k, indices, values } = await encodeText(sae, model, 'The cook put the kettle on the stove.');
 * console.log(tokens[1], indices[k] >= 0, values[k] >= values[k + 1]); // the latent that is strongest at the second token
 * for (const each of [sae, model, file]) await each.close();
 * ```
 */
export async function encodeText(
  sae: Pick<OpenSae, 'encode' | 'd_in'>,
  model: TextModel,
  text: string | readonly number[],
  hook?: HookLike,
): Promise<EncodedText> {
  const at = hook ?? (model.hooks.length === 1 ? model.hooks[0] : undefined);
  if (at === undefined) throw unfit(sae, `opened for ${model.hooks.length} hooks`);
  const { ids, values } = await model.activations(text, at);
  const width = values.length / ids.length;
  if (width !== sae.d_in) throw unfit(sae, `width ${width} at ${hookName(hookOf(at))}`);
  return { ids, tokens: model.tokenTexts(ids), ...(await sae.encode(values, ids.length, ids.length)) };
}

function unfit(sae: { d_in: number }, found: string): UserError {
  return new UserError({
    thing: 'language model of the SAE',
    found,
    expected: `width ${sae.d_in} as the SAE has, and the hook that it is of`,
    next: 'Open the SAE’s own model, and name the hook.',
  });
}

export interface ContextOptions {
  /** Default: all that fire. */
  latents?: readonly number[];
  /** Contexts of each, one of a text at most and each stretch of tokens once; default 12. */
  top?: number;
  /** Tokens before the one that the latent is strongest on, and after it; default 16 and 8. */
  before?: number;
  after?: number;
}

/** A stretch of a text around the token that a latent is strongest on in it. */
export interface TextContext {
  /** Number of the text, and its token that the latent is strongest on. */
  text: number;
  position: number;
  /** The latent at that token. */
  value: number;
  /** The token that the stretch begins with; of each of its tokens id, text and the latent. */
  start: number;
  ids: number[];
  tokens: string[];
  values: Float32Array;
}

export interface ContextsOfLatent {
  latent: number;
  /** Tokens that it fires on, and their share of all. */
  fires: number;
  rate: number;
  /** Of its values where it fires. */
  mean: number;
  max: number;
  /** The strongest first. */
  contexts: TextContext[];
}

/**
 * Where latents fire most in texts, by the rules of the suite `features`.
 *
 * @param texts as `encodeText` gives them, of this SAE
 * @returns in the order asked for, or ascending; latents that never fire have no contexts
 *
 * @example
 * ```js
 * import { encodeText, getSae, openModel, openSae, topContexts } from 'interpboard-library';
 *
 * const file = await getSae('runs/small-world#layer=2');
 * const [sae, model] = [await openSae(file.sae), await openModel(null, { hooks: [2] })];
 * const texts = [];
 * for (const each of ['The cook put the kettle on.', 'She read the letter.']) texts.push(await encodeText(sae, model, each));
 * const [first] = topContexts(sae, texts, { top: 3 });
 * console.log(first.fires > 0, first.contexts[0].value === first.max);
 * for (const each of [sae, model, file]) await each.close();
 * ```
 */
export function topContexts(
  sae: Pick<OpenSae, 'd_sae'>,
  texts: readonly EncodedText[],
  options: ContextOptions = {},
): ContextsOfLatent[] {
  const { top = 12, before = 16, after = 8 } = options;
  const evidence = new LatentEvidence({ d_sae: sae.d_sae, top, sampled: 0, before, after, seed: 0 });
  const longest = texts.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  let total = 0;
  for (const { ids, k, indices, values } of texts) {
    total += ids.length;
    // Rows of one width, filled up with a token that there is not.
    const row = new Int32Array(longest).fill(-1);
    row.set(ids);
    const filled = { indices: new Int32Array(longest * k), values: new Float32Array(longest * k) };
    filled.indices.set(indices);
    filled.values.set(values);
    evidence.add({ ids: row, rows: 1, tokens: longest, k, ...filled });
  }
  evidence.end();
  return (options.latents ?? evidence.alive()).map((latent) => {
    checkLatent(latent, sae.d_sae);
    const { fires, mean, max } = evidence.factsOf(latent);
    const contexts = evidence.topOf(latent).map(({ row, position, value, start, values }): TextContext => {
      const { ids, tokens } = texts[row]!;
      const end = Math.min(ids.length, start + values.length);
      return {
        text: row,
        position,
        value,
        start,
        ids: ids.slice(start, end),
        tokens: tokens.slice(start, end),
        values: values.slice(0, end - start),
      };
    });
    return { latent, fires, rate: total === 0 ? 0 : fires / total, mean, max, contexts };
  });
}

export interface TokenEffect {
  id: number;
  token: string;
  /** What one unit of the latent adds to the token's logit. */
  value: number;
}

export interface EffectsOfLatent {
  latent: number;
  /** Tokens whose logits it raises and lowers most, from the largest effect on. */
  raised: TokenEffect[];
  lowered: TokenEffect[];
}

/**
 * What one unit of latents adds to the logits on its own: decoder rows through the weight of the last norm and the head.
 *
 * @param sae its weights; of a stored one W_dec is read, [d_sae, d_out]
 * @param options `latents` (default all), and `most` tokens at each end (default 8)
 * @returns in the order asked for
 * @throws UserError for an SAE whose latents have no direction in the residual, and for latents that it has not
 *
 * @example
 * ```js
 * import { getSae, logitEffects, openModel } from 'interpboard-library';
 *
 * const file = await getSae('runs/small-world#layer=2');
 * const model = await openModel(null, { hooks: [2] });
 * const [{ raised, lowered }] = await logitEffects(file.sae, model, { latents: [5], most: 3 });
 * console.log(raised.length, raised[0].value > lowered[0].value);
 * for (const each of [model, file]) await each.close();
 * ```
 */
export async function logitEffects(
  sae: Sae | StoredSae,
  model: TextModel,
  options: { latents?: readonly number[]; most?: number } = {},
): Promise<EffectsOfLatent[]> {
  const { latents = Array.from({ length: sae.d_sae }, (_, latent) => latent), most = 8 } = options;
  const found = await model.logitEffects(await pickedRows(decoderOf(sae, latents), latents), most);
  const end = ({ ids, values }: { ids: Int32Array; values: Float32Array }): TokenEffect[] => {
    const tokens = model.tokenTexts([...ids]);
    return Array.from(ids, (id, i) => ({ id, token: tokens[i]!, value: values[i]! }));
  };
  return found.map(({ raised, lowered }, i) => ({
    latent: latents[i]!,
    raised: end(raised),
    lowered: end(lowered),
  }));
}

/**
 * Of each latent asked for the others whose decoder rows are nearest by cosine, the nearest first.
 *
 * @throws as `logitEffects` does
 */
export async function nearestLatents(
  sae: Sae | StoredSae,
  latents: readonly number[],
  most = 6,
): Promise<Neighbour[][]> {
  return nearestRows(decoderOf(sae, latents), latents, most);
}

function decoderOf(sae: Sae | StoredSae, latents: readonly number[]): DecoderRows {
  for (const latent of latents) checkLatent(latent, sae.d_sae);
  const found = decoderRows(sae);
  if (found.rows !== null) return found.rows;
  throw new UserError({
    thing: 'directions of latents',
    found: found.reason,
    expected: 'an SAE whose latents each add one direction to the residual',
    next: 'Look at what its latents fire on instead.',
  });
}

function checkLatent(latent: number, d_sae: number): void {
  if (Number.isInteger(latent) && latent >= 0 && latent < d_sae) return;
  throw new UserError({
    thing: 'latent',
    found: String(latent),
    expected: `a whole number below ${d_sae}`,
    next: 'Latents are numbered from 0.',
  });
}
