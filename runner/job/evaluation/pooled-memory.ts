/** Memory of what the suites keep until they score: pooled features of probe texts, and what each holds of an SAE. */
import { inputsOf } from '../../config/run-config.ts';
import type { SuitesSettings } from '../../config/sections.ts';
import { settingsOf } from '../../config/suite-settings.ts';
import { asksForControls } from '../../evaluation/control-pass.ts';
import { UNTRAINED_LIMIT } from '../../evaluation/reconstructors.ts';
import type { Reading, Suite } from '../../suites/suite.ts';

/** Of an SAE what decides how many of its latents fire on a text. */
export interface PooledSae {
  d_in: number;
  d_sae: number;
  /** Latents that are active on a token; null where that is not known before. */
  k: number | null;
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

/** What the suites of a run will read, each text once. */
export function readingsOf(config: SuitesSettings, suites: readonly Suite[]): Reading[] {
  const inputs = inputsOf(config);
  const all = suites.flatMap((suite) => suite.reads(settingsOf(suite, config), inputs));
  return [...new Map(all.map((reading) => [reading.name, reading])).values()];
}
