/**
 * A cross-layer transcoder in the place of all MLPs of a language model: the loss with it, and how well it reconstructs each MLP's
 * output on the model left alone. With it in place its latents read the stream as it then is, as in circuit-tracer's replacement
 * model (Ameisen et al. 2025).
 */
import type { Hook } from '../hook.ts';
import { sha256 } from '../io/hash.ts';
import { type LanguageModel, repeated, type TokenBatch } from '../lm/language-model.ts';
import { resampleRows } from '../metrics/bootstrap.ts';
import { hookStatistics } from '../metrics/hook-statistics.ts';
import type { Reporter } from '../reporter.ts';
import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents } from '../sae/sae.ts';
import { allMlpsLosses } from '../suites/all-mlps-losses.ts';
import { type ReconstructionResult, reconstructionSuite } from '../suites/reconstruction.ts';
import { meanOf } from './mean-of.ts';
import { blocksOf, documentsOf } from './observation.ts';
import { addRows, type KeptPasses, predictionsOf, replacing, type Seen } from './replacing.ts';

export interface OpenCrossLayer {
  /** What latents of layer N read: resid_mid or mlp_in. */
  reads: Hook['site'];
  d: number;
  /** As `CrossLayerFile.layers`, opened. */
  layers: readonly OpenSae[];
  biases: readonly Float32Array[];
}

export interface ReplacedMlps {
  tokens: number;
  rows: number;
  blocks: number | undefined;
  /** Losses: clean, with the transcoder in the place of all MLPs, with zero and with their means there. */
  losses: ReturnType<typeof allMlpsLosses>;
  /** Of the MLP outputs of all layers side by side, and of all latents. */
  whole: ReconstructionResult;
  /** Of each layer's MLP output, and of the latents that read there. */
  layers: readonly ReconstructionResult['metrics'][];
}

/** What its losses are called. */
export const REPLACED = 'with all MLPs replaced';

/** Tokens whose contributions to all later layers are held at once. */
const STRETCH = 256;

/**
 * @param model opened with `hooksOfCrossLayer`
 * @param batches full rows of one width
 * @param kept where losses with all MLPs replaced are cached, by an earlier try too
 * @throws Stopped when the user asked to stop
 */
export async function replacedMlps(
  model: LanguageModel,
  clt: OpenCrossLayer,
  batches: readonly TokenBatch[],
  draws: { resamples: number; seed: number },
  reporter: Reporter,
  kept?: KeptPasses,
): Promise<ReplacedMlps> {
  const { d, layers, biases } = clt;
  const documents = documentsOf(batches);
  const sums = { clean: [] as number[], sae: [] as number[], zero: [] as number[], mean: [] as number[] };
  const statistics = layers.map(({ d_sae }) => hookStatistics(d, [d_sae]));
  const whole = hookStatistics(layers.length * d, [layers.reduce((sum, { d_sae }) => sum + d_sae, 0)]);
  const { pass, stopWhenAsked } = replacing(
    { total: 4 * batches.length, name: 'all MLPs', losses: REPLACED },
    reporter,
    kept,
  );

  /** What a batch's latents have added so far to the output of each layer [tokens, d]. */
  function outputsOf(tokens: number) {
    const outputs = biases.map((bias) => repeated(bias, tokens));
    return {
      outputs,
      async read(layer: number, x: Float32Array): Promise<Latents> {
        const sae = layers[layer]!;
        const latents = await sae.encode(x, tokens);
        const { k, values, indices } = latents;
        for (let from = 0; from < tokens; from += STRETCH) {
          stopWhenAsked();
          const count = Math.min(STRETCH, tokens - from);
          const part = (of: Float32Array | Int32Array) => of.subarray(from * k, (from + count) * k);
          const some = { k, values: part(values) as Float32Array, indices: part(indices) as Int32Array };
          const added = await sae.decode(some, count);
          for (let t = 0; t < count; t++) {
            for (let to = layer; to < layers.length; to++) {
              const output = outputs[to]!;
              const at = t * sae.d_out + (to - layer) * d;
              for (let i = 0; i < d; i++) output[(from + t) * d + i]! += added[at + i]!;
            }
          }
        }
        return latents;
      },
    };
  }

  for (const [index, batch] of batches.entries()) {
    const tokens = batch.rows * batch.tokens;
    const clean = outputsOf(tokens);
    const latents: Latents[] = [];
    const seen: Seen[] = [];
    await pass(model, batch, sums.clean, null, async ({ layer, site }, value) => {
      if (site === 'mlp_out') {
        const { d_sae } = layers[layer]!;
        const reconstruction = clean.outputs[layer]!;
        seen.push({ x: value.slice(), reconstruction, latents: latents[layer]!, d, d_sae });
      } else latents.push(await clean.read(layer, value));
      return null;
    });
    for (const [layer, each] of seen.entries()) addRows(statistics[layer]!, [each], batch, index);
    addRows(whole, seen, batch, index);
    const replaced = outputsOf(tokens);
    await pass(model, batch, sums.sae, ['transcoder', kept?.sha256], async ({ layer, site }, value) => {
      if (site === 'mlp_out') return replaced.outputs[layer]!;
      await replaced.read(layer, value);
      return null;
    });
    const zero = new Float32Array(tokens * d);
    await pass(model, batch, sums.zero, ['zero'], ({ site }) => (site === 'mlp_out' ? zero : null));
  }
  const tables = statistics.map((each) => each.tables());
  const means = tables.map(meanOf);
  const follows = ['means', means.map((mean) => sha256(new Uint8Array(mean.buffer)))];
  for (const batch of batches) {
    await pass(model, batch, sums.mean, follows, ({ layer, site }) =>
      site === 'mlp_out' ? repeated(means[layer]!, batch.rows * batch.tokens) : null,
    );
  }
  const rows = sums.clean.length;
  const resamples = resampleRows(rows, { count: draws.resamples, seed: draws.seed }, documents);
  const column = (of: number[]): Float64Array => Float64Array.from(of);
  const table = {
    predictions: predictionsOf(batches),
    clean: column(sums.clean),
    sae: column(sums.sae),
    zero: column(sums.zero),
    mean: column(sums.mean),
  };
  return {
    tokens: batches.reduce((sum, batch) => sum + batch.rows * batch.tokens, 0),
    rows,
    blocks: blocksOf(batches),
    losses: allMlpsLosses(table, resamples),
    whole: reconstructionSuite(whole.tables(), resamples)[0]!,
    layers: tables.map((each) => reconstructionSuite(each, resamples)[0]!.metrics),
  };
}
