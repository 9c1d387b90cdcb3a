/** The text a run reads: training rows, held-out rows, probe texts. */
import type { RunConfig } from '../config/run-config.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import { DEMO_PROBES, demoProbeSet } from '../text/demo-probes.ts';
import { demoMixture } from '../text/demo-source.ts';
import { mixture, startOfMixture } from '../text/mixture.ts';
import {
  EVALUATION_PACKING,
  type PackedRow,
  type PackingPosition,
  packRows,
  startOfPacking,
} from '../text/packing.ts';
import { noSuchSet, type ProbeSetLoader } from '../text/probe-sets.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** Packed rows of training text, from a recorded position or from the start. */
export function trainingRows(
  config: RunConfig,
  tokenizer: Tokenizer,
  from: PackingPosition | undefined,
): AsyncGenerator<PackedRow> {
  const { trainSeed, rowTokens } = config.corpus;
  const sources = demoMixture(trainSeed);
  const position = from ?? startOfPacking(startOfMixture(sources, trainSeed));
  return packRows(mixture(sources, position.mixture, tokenizer), tokenizer, position, { rowTokens });
}

/** All held-out rows of the evaluation, as batches of the width of a training pass. */
export async function evaluationBatches(config: RunConfig, tokenizer: Tokenizer): Promise<TokenBatch[]> {
  const { heldoutSeed, rowTokens } = config.corpus;
  const { documentTokens, tokens } = config.evaluation;
  const sources = demoMixture(heldoutSeed);
  const position = startOfPacking(startOfMixture(sources, heldoutSeed));
  const packing = { ...EVALUATION_PACKING, documentTokens, rowTokens };
  const rows = packRows(mixture(sources, position.mixture, tokenizer), tokenizer, position, packing);
  const wanted = Math.floor(tokens / rowTokens);
  const batches: TokenBatch[] = [];
  let pending: Int32Array[] = [];
  let taken = 0;
  for await (const { row } of rows) {
    pending.push(row);
    taken++;
    if (pending.length * rowTokens >= config.sae.batchTokens || taken === wanted) {
      batches.push(batchOf(pending));
      pending = [];
    }
    if (taken === wanted) break;
  }
  return batches;
}

/** Rows of equal length as one batch. */
export function batchOf(rows: readonly Int32Array[]): TokenBatch {
  const tokens = rows[0]!.length;
  const ids = new Int32Array(rows.length * tokens);
  rows.forEach((row, i) => {
    ids.set(row, i * tokens);
  });
  return { ids, rows: rows.length, tokens };
}

/** The probe sets of a run. */
export function probeSets(config: RunConfig): ProbeSetLoader {
  return async (name, demand) => {
    const known = DEMO_PROBES.find((each) => each === name);
    if (known === undefined) throw noSuchSet(name, DEMO_PROBES);
    return demoProbeSet(known, config.evaluation.probeSeed, demand);
  };
}
