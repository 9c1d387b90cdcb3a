/**
 * Whether an SAE was read as it was meant: on real activations the declared convention must explain at least as much
 * variance as each convention that differs from it in one point. A wrong one is usually far below.
 */
import { MalformedError } from '../../errors.ts';
import { type OpenSaeOptions, openSae } from '../open-sae.ts';
import type { Normalisation, Sae } from '../sae.ts';
import { isStored, type StoredSae } from '../stored-sae.ts';
import type { SaeFormat } from './loaded.ts';

/** How much better another convention may do: a b_dec near 0, or an SAE that scales with x, makes two nearly equal. */
const MARGIN = 0.01;

export interface ConventionFit {
  convention: string;
  /** 1 − Σ‖x − x̂‖² / Σ‖x − mean‖² over the given tokens. */
  var_exp: number;
}

export interface SelfTest {
  declared: ConventionFit;
  others: ConventionFit[];
}

/**
 * @param x [tokens, d_in], a few hundred activations of the SAE's hook
 * @returns null for a transcoder, of which x̂ is not x, and for a temporal SAE, which wants whole texts
 * @throws MalformedError, with both figures, when another convention explains more
 */
export async function selfTest(
  { sae, format, name }: { sae: Sae | StoredSae; format: SaeFormat; name?: string },
  x: Float32Array,
  tokens: number,
  options: OpenSaeOptions = {},
): Promise<SelfTest | null> {
  if (sae.d_out !== undefined || sae.context !== undefined) return null;
  const measure = async (convention: string, candidate: Sae | StoredSae): Promise<ConventionFit> => {
    const open = await openSae(candidate, options);
    const { reconstruction } = await open.reconstruct(x, tokens).finally(() => open.close());
    return { convention, var_exp: varExp(x, reconstruction, sae.d_in) };
  };
  const declared = await measure('as declared', sae);
  const others: ConventionFit[] = [];
  for (const [convention, candidate] of alternatives(sae, x, tokens))
    others.push(await measure(convention, candidate));
  const best = others.reduce((found, each) => (each.var_exp > found.var_exp ? each : found), declared);
  // Written so that NaN fails too.
  if (!(declared.var_exp >= best.var_exp - MARGIN)) {
    throw new MalformedError({
      thing: `SAE ${name === undefined ? '' : `${name}, `}of format ${format}`,
      found: `var_exp ${declared.var_exp.toFixed(3)} as declared and ${best.var_exp.toFixed(3)} with ${best.convention}`,
      expected: `the declared convention to be the best, within ${MARGIN}`,
      next: 'Check that the activations are of the SAE’s own hook and model, and its config.',
    });
  }
  return { declared, others };
}

function* alternatives(
  sae: Sae | StoredSae,
  x: Float32Array,
  tokens: number,
): Generator<[string, Sae | StoredSae]> {
  const flipped = !sae.apply_b_dec_to_input;
  yield [`b_dec ${flipped ? '' : 'not '}subtracted`, { ...sae, apply_b_dec_to_input: flipped }];
  const kinds: Normalisation[] = [
    { kind: 'none' },
    { kind: 'expected_average_only_in', scale: averageScale(x, sae.d_in, tokens) },
    { kind: 'constant_norm_rescale' },
    { kind: 'layer_norm' },
  ];
  for (const normalisation of kinds) {
    if (normalisation.kind !== sae.normalisation.kind) {
      yield [`normalisation ${normalisation.kind}`, { ...sae, normalisation }];
    }
  }
  if (sae.architecture === 'topk') {
    const rescaled = !sae.rescale_acts_by_decoder_norm;
    yield [`rescale_acts_by_decoder_norm ${rescaled}`, { ...sae, rescale_acts_by_decoder_norm: rescaled }];
  }
  // Only a square SAE can have been read with its sides exchanged; any other has shapes that say so.
  if (sae.d_in === sae.d_sae) {
    for (const [which, other] of isStored(sae) ? storedTurned(sae) : heldTurned(sae))
      yield [`${which} turned`, other];
  }
}

function heldTurned(sae: Sae): [string, Sae][] {
  const W_enc = turned(sae.W_enc, sae.d_in);
  const W_dec = turned(sae.W_dec, sae.d_in);
  return [
    ['W_enc', { ...sae, W_enc }],
    ['W_dec', { ...sae, W_dec }],
    ['W_enc and W_dec', { ...sae, W_enc, W_dec }],
  ];
}

function storedTurned(sae: StoredSae): [string, StoredSae][] {
  const W_enc = sae.W_enc.turned();
  const W_dec = sae.W_dec.turned();
  return [
    ['W_enc', { ...sae, W_enc }],
    ['W_dec', { ...sae, W_dec }],
    ['W_enc and W_dec', { ...sae, W_enc, W_dec }],
  ];
}

function turned(data: Float32Array, side: number): Float32Array {
  return data.map((_, at) => data[(at % side) * side + Math.floor(at / side)]!);
}

/** √d/mean‖x‖ */
function averageScale(x: Float32Array, d_in: number, tokens: number): number {
  let norms = 0;
  for (let t = 0; t < tokens; t++) {
    let squares = 0;
    for (let i = t * d_in; i < (t + 1) * d_in; i++) squares += x[i]! ** 2;
    norms += Math.sqrt(squares);
  }
  return (Math.sqrt(d_in) * tokens) / norms;
}

function varExp(x: Float32Array, reconstruction: Float32Array, d_in: number): number {
  const tokens = x.length / d_in;
  const mean = new Float64Array(d_in);
  x.forEach((value, at) => {
    mean[at % d_in]! += value / tokens;
  });
  let [error, total] = [0, 0];
  x.forEach((value, at) => {
    error += (value - reconstruction[at]!) ** 2;
    total += (value - mean[at % d_in]!) ** 2;
  });
  return 1 - error / total;
}
