/** Memory of an evaluation beside the language model's weights: of SAEs, and of what the suites keep until they score. */
import { inputsOf } from '../../config/run-config.ts';
import type { SuitesSettings } from '../../config/sections.ts';
import { settingsOf } from '../../config/suite-settings.ts';
import { asksForControls } from '../../evaluation/control-pass.ts';
import { PROBE_BATCH_TOKENS } from '../../evaluation/probe-pass.ts';
import { UNTRAINED_LIMIT } from '../../evaluation/reconstructors.ts';
import type { NeedsBeside } from '../../lm/fit.ts';
import { type Device, providerOf } from '../../onnx/devices.ts';
import { type ContextShape, contextShape, predictionBytes } from '../../sae/predicting.ts';
import type { StoredSae } from '../../sae/stored-sae.ts';
import type { Reading, Suite } from '../../suites/suite.ts';
import { mostOnOne, type SaesOnDevice, shareSaes } from '../shared/sae-devices.ts';
import { CORE_BATCH_TOKENS } from './heldout-text.ts';

/** Of an SAE what decides how many of its latents fire on a text. */
export interface PooledSae {
  d_in: number;
  /** Of a transcoder the width of what it predicts. */
  d_out?: number | undefined;
  d_sae: number;
  /** Latents that are active on a token; null where that is not known before. */
  k: number | null;
  /** Of a temporal SAE. */
  context?: ContextShape;
}

/** An entry's latent and value. */
const ENTRY_BYTES = 8;

/**
 * Bytes, at most: every text as long as it may be, and no latent firing on two of its tokens.
 *
 * @param suites of the run; where they ask for controls and untrained SAEs are probed, what an untrained SAE of each SAE's shape makes of the texts is
 *   kept as well
 * @param saes of all hooks; each has a residual of its own counted, which those of one hook share
 */
export function pooledBytes(
  config: SuitesSettings,
  suites: readonly Suite[],
  saes: readonly PooledSae[],
): number {
  const probed = asksForControls(suites, config.evaluation) && config.evaluation.untrainedProbes;
  let bytes = 0;
  for (const { rows, rowTokens, keeps } of readingsOf(config, suites)) {
    if (keeps === 'sums') continue;
    const tokens = keeps === 'token' ? 1 : rowTokens;
    for (const { d_in, d_sae, k } of saes) {
      const latents = ENTRY_BYTES * Math.min(d_sae, k === null ? d_sae : tokens * k);
      const untrained = probed && keeps === 'pooled' && d_sae * d_in <= UNTRAINED_LIMIT ? latents : 0;
      bytes += rows * (4 * d_in + latents + untrained);
    }
  }
  for (const suite of suites) for (const sae of saes) bytes += suite.holds(settingsOf(suite, config), sae);
  return bytes;
}

/** @param sae whose tensors need not be read */
export function pooledOf({ d_in, d_out, d_sae, ...sae }: StoredSae): PooledSae {
  const k = sae.architecture === 'topk' ? sae.k : null;
  return { d_in, d_out, d_sae, k, ...(sae.context && { context: contextShape(sae.context) }) };
}

/** Bytes of an SAE's two matrices. */
function weightBytes({ d_in, d_out = d_in, d_sae }: Omit<PooledSae, 'k'>): number {
  return 4 * (d_in + d_out) * d_sae;
}

export interface EvaluationNeeds extends NeedsBeside {
  divergence: boolean;
  /** Of each SAE its weights in bytes, and where it lies. */
  sizes: readonly number[];
  places: readonly Device[];
  /** In the devices' order. */
  on: readonly SaesOnDevice[];
}

/** What an evaluation takes beside the language model: computed here for `plan` and for the run. */
export function evaluationNeeds(
  config: SuitesSettings & { sae: { batchTokens: number }; corpus: { rowTokens: number } },
  suites: readonly Suite[],
  saes: readonly PooledSae[],
  devices: readonly [Device, ...Device[]],
): EvaluationNeeds {
  const readings = readingsOf(config, suites);
  const divergence = readings.some(({ spliced }) => spliced);
  const positions = Math.max(config.sae.batchTokens, PROBE_BATCH_TOKENS, divergence ? CORE_BATCH_TOKENS : 0);
  const sequence = Math.max(config.corpus.rowTokens, ...readings.map(({ rowTokens }) => rowTokens));
  const onHost = providerOf(devices[0]) === 'cpu';
  const predictions = saes.map(
    (sae) => sae.context && predictionBytes(sae, sae.context, { tokens: positions, sequence }),
  );
  const sizes = saes.map((sae, i) => {
    const { program = 0, squares = 0 } = predictions[i] ?? {};
    return weightBytes(sae) + program + squares;
  });
  const places = shareSaes(sizes, devices);
  const on = devices.map((device) => {
    const here = <Of>(each: readonly Of[]): Of[] => each.filter((_, i) => places[i] === device);
    return {
      device,
      states: here(sizes).reduce((sum, bytes) => sum + bytes, 0),
      // One SAE computes at a time.
      step: Math.max(0, ...here(predictions).map((each) => each?.running ?? 0)),
    };
  });
  const { states, step } = mostOnOne(on);
  // What the host holds of predictions, wherever they are computed; on the CPU the program takes the squares where they lie.
  const predicting = predictions.reduce(
    (sum, each) => sum + (each === undefined ? 0 : each.maps + each.kept + (onHost ? 0 : each.squares)),
    0,
  );
  return {
    positions,
    saes: states + step,
    sizes,
    places,
    on,
    host: pooledBytes(config, suites, saes) + predicting,
    divergence,
    ablated: config.evaluation.tokens,
  };
}

/** What the suites of a run will read, each text once. */
export function readingsOf(config: SuitesSettings, suites: readonly Suite[]): Reading[] {
  const inputs = inputsOf(config);
  const all = suites.flatMap((suite) => suite.reads(settingsOf(suite, config), inputs));
  return [...new Map(all.map((reading) => [reading.name, reading])).values()];
}
