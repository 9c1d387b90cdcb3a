/**
 * The random streams of training. A stream is named by what it is for, a seed and the hook, never by the run or the
 * other SAEs in it: an SAE is the same in a sweep and by itself, and SAEs of one seed that differ in k or width see
 * the tokens in one order and start from the same rows of W_dec.
 */
import type { Hook } from '../hook.ts';
import { type Random, random } from '../math/random.ts';

/**
 * Name of this rule: `training.streams` of the records of SAEs that were trained by it. Records without that field are
 * of SAEs whose streams were keyed by their name in the run.
 */
export const STREAMS = 'hook-v1';

/** What a stream of one SAE is for. */
export type Purpose = 'initial weights' | 'token order' | 'resampling';

export function hookStream(purpose: Purpose, seed: number, { layer, site }: Hook): Random {
  return random(purpose, seed, layer, site);
}

/** The draws of the shuffle buffer, which all hooks and SAEs of a run share: they belong to the text. */
export function bufferStream(trainSeed: number): Random {
  return random('shuffle buffer', trainSeed);
}
