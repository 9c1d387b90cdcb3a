/**
 * A cross-layer transcoder in the place of all MLPs of a language model: the loss with it, and how well it reconstructs each MLP's
 * output on the model left alone. With it in place its latents read the stream as it then is, as in circuit-tracer's replacement
 * model (Ameisen et al. 2025).
 */
import type { Hook } from '../hook.ts';
import { valueOfCut, withValue } from '../lm/cut.ts';
import { type LanguageModel, lossCount, repeated, type TokenBatch } from '../lm/language-model.ts';
import { meanOfTokens } from '../metrics/activations.ts';
import { resampleRows } from '../metrics/bootstrap.ts';
import { hookStatistics } from '../metrics/hook-statistics.ts';
import type { LossTable } from '../metrics/loss-recovered.ts';
import { type Reporter, Stopped } from '../reporter.ts';
import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents } from '../sae/sae.ts';
import { lossRecoveredSuite } from '../suites/loss-recovered.ts';
import { reconstructionSuite } from '../suites/reconstruction.ts';
import { meanOf } from './mean-of.ts';
import { blocksOf, documentOf, documentsOf } from './observation.ts';

export interface CrossLayerSae {
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
  losses: ReturnType<typeof lossRecoveredSuite>['metrics'];
  /** Of each layer's MLP output, and of the latents that read there. */
  layers: readonly ReturnType<typeof reconstructionSuite>[number]['metrics'][];
}

/** Tokens whose contributions to all later layers are held at once. */
const STRETCH = 256;

/** The hooks that the model is to be opened with. */
export function hooksOfCrossLayer({
  reads,
  layers,
}: {
  reads: Hook['site'];
  layers: readonly unknown[];
}): Hook[] {
  return layers.flatMap((_, layer): Hook[] => [
    { layer, site: reads },
    { layer, site: 'mlp_out' },
  ]);
}

/**
 * @param model opened with `hooksOfCrossLayer`
 * @param batches full rows of one width
 * @throws Stopped when the user asked to stop
 */
export async function replacedMlps(
  model: LanguageModel,
  clt: CrossLayerSae,
  batches: readonly TokenBatch[],
  draws: { resamples: number; seed: number },
  reporter: Reporter,
): Promise<ReplacedMlps> {
  const { d, layers, biases } = clt;
  const documents = documentsOf(batches);
  const sums = { clean: [] as number[], sae: [] as number[], zero: [] as number[], mean: [] as number[] };
  const statistics = layers.map(({ d_sae }) => hookStatistics(d, [d_sae]));
  const passes = 4 * batches.length;
  let done = 0;

  /** One pass, with what `at` gives in the place of the tensor at a hook. */
  async function pass(
    batch: TokenBatch,
    into: number[],
    at: (hook: Hook, value: Float32Array) => Promise<Float32Array | null> | Float32Array | null,
  ): Promise<void> {
    let given: Float32Array | null = null;
    for (let segment = 0; segment < model.segments.length - 1; segment++) {
      if (reporter.stopRequested()) throw new Stopped();
      const next: Float32Array = await model.advance(segment, given, batch);
      const { hook } = model.segments[segment]!;
      const widths = model.widths[segment]!;
      const put = hook === null ? null : await at(model.hooks[hook]!, valueOfCut(next, widths));
      given = put === null ? next : withValue(next, put);
    }
    const nll = await model.finish(given, batch);
    for (let row = 0; row < batch.rows; row++) {
      const start = row * batch.tokens;
      into.push(nll.subarray(start, start + lossCount(batch, row)).reduce((sum, each) => sum + each, 0));
    }
    reporter.progress(++done, passes);
  }

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
    let latents: Latents | null = null;
    await pass(batch, sums.clean, async ({ layer, site }, value) => {
      if (site !== 'mlp_out') latents = await clean.read(layer, value);
      else
        addRows(
          statistics[layer]!,
          { x: value, reconstruction: clean.outputs[layer]!, latents: latents!, d },
          batch,
          index,
        );
      return null;
    });
    const replaced = outputsOf(tokens);
    await pass(batch, sums.sae, async ({ layer, site }, value) => {
      if (site === 'mlp_out') return replaced.outputs[layer]!;
      await replaced.read(layer, value);
      return null;
    });
    const zero = new Float32Array(tokens * d);
    await pass(batch, sums.zero, ({ site }) => (site === 'mlp_out' ? zero : null));
  }
  const tables = statistics.map((each) => each.tables());
  const means = tables.map(meanOf);
  for (const batch of batches) {
    await pass(batch, sums.mean, ({ layer, site }) =>
      site === 'mlp_out' ? repeated(means[layer]!, batch.rows * batch.tokens) : null,
    );
  }
  const rows = sums.clean.length;
  const resamples = resampleRows(rows, { count: draws.resamples, seed: draws.seed }, documents);
  const column = (of: number[]): Float64Array => Float64Array.from(of);
  const table: LossTable = {
    predictions: Float64Array.from(
      batches.flatMap((batch) => Array.from({ length: batch.rows }, (_, row) => lossCount(batch, row))),
    ),
    ...{ clean: column(sums.clean), sae: column(sums.sae), zero: column(sums.zero), mean: column(sums.mean) },
  };
  return {
    tokens: batches.reduce((sum, batch) => sum + batch.rows * batch.tokens, 0),
    rows,
    blocks: blocksOf(batches),
    losses: lossRecoveredSuite(table, resamples).metrics,
    layers: tables.map((each) => reconstructionSuite(each, resamples)[0]!.metrics),
  };
}

function addRows(
  statistics: ReturnType<typeof hookStatistics>,
  seen: { x: Float32Array; reconstruction: Float32Array; latents: Latents; d: number },
  batch: TokenBatch,
  pass: number,
): void {
  const { x, reconstruction, latents, d } = seen;
  const { k, indices, values } = latents;
  const passMean = meanOfTokens(x, d);
  for (let row = 0; row < batch.rows; row++) {
    const [from, to] = [row * batch.tokens, (row + 1) * batch.tokens];
    statistics.add(
      { x: x.subarray(from * d, to * d), tokens: batch.tokens, pass, passMean, ...documentOf(batch, row) },
      [
        {
          reconstruction: reconstruction.subarray(from * d, to * d),
          latents: {
            k,
            indices: indices.subarray(from * k, to * k),
            values: values.subarray(from * k, to * k),
          },
        },
      ],
    );
  }
}
