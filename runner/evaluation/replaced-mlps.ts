/**
 * A cross-layer transcoder in the place of all MLPs of a language model: the loss with it, and how well it reconstructs each MLP's
 * output on the model left alone. With it in place its latents read the stream as it then is, as in circuit-tracer's replacement
 * model (Ameisen et al. 2025).
 */
import { deserialize, serialize } from 'node:v8';
import { type Hook, hookName } from '../hook.ts';
import { canonicalJson, sha256 } from '../io/hash.ts';
import { valueOfCut, withValue } from '../lm/cut.ts';
import { type LanguageModel, lossCount, repeated, type TokenBatch } from '../lm/language-model.ts';
import { meanOfTokens } from '../metrics/activations.ts';
import { resampleRows } from '../metrics/bootstrap.ts';
import { type HookStatistics, hookStatistics } from '../metrics/hook-statistics.ts';
import { type Reporter, Stopped } from '../reporter.ts';
import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents } from '../sae/sae.ts';
import { allMlpsLosses } from '../suites/all-mlps-losses.ts';
import { type ReconstructionResult, reconstructionSuite } from '../suites/reconstruction.ts';
import { meanOf } from './mean-of.ts';
import { blocksOf, type CachedResults, documentOf, documentsOf, namesOf } from './observation.ts';

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

/** Where losses are cached, of passes with all MLPs replaced; of the transcoder with the content hash of its tensors. */
export interface KeptPasses extends CachedResults {
  sha256: string;
}

/** @param isKept whether losses with all MLPs replaced are cached: probes and reconstructions are not */
export function stoppedMeasuring(isKept: boolean): Stopped {
  return new Stopped(
    isKept
      ? 'stopped; losses with all MLPs replaced are kept as far as they are known, the same command measures the rest anew'
      : 'stopped; nothing of the measurement is kept, the same command measures anew',
  );
}

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
  const passes = 4 * batches.length;
  let done = 0;

  function stopWhenAsked(): void {
    if (reporter.stopRequested()) throw stoppedMeasuring(kept !== undefined);
  }

  /**
   * One pass, with what `at` gives in the place of the tensor at a hook.
   *
   * @param follows what its losses follow from besides model and text, to be kept; null where the pass is for what it shows
   */
  async function pass(
    batch: TokenBatch,
    into: number[],
    follows: unknown,
    at: (hook: Hook, value: Float32Array) => Promise<Float32Array | null> | Float32Array | null,
  ): Promise<void> {
    const key =
      kept === undefined || follows === null
        ? null
        : canonicalJson(['all MLPs', kept.identity, model.hooks.map(hookName), namesOf([batch]), follows]);
    const known = key === null ? undefined : await kept?.cache.get(key);
    const sums = known === undefined ? await losses(batch, at) : (deserialize(known) as number[]);
    if (key !== null && known === undefined) kept?.cache.put(key, serialize(sums));
    into.push(...sums);
    reporter.progress(++done, passes);
  }

  /** Sums of cross entropy, one per row. */
  async function losses(batch: TokenBatch, at: Parameters<typeof pass>[3]): Promise<number[]> {
    let given: Float32Array | null = null;
    for (let segment = 0; segment < model.segments.length - 1; segment++) {
      stopWhenAsked();
      const next: Float32Array = await model.advance(segment, given, batch);
      const { hook } = model.segments[segment]!;
      const widths = model.widths[segment]!;
      const put = hook === null ? null : await at(model.hooks[hook]!, valueOfCut(next, widths));
      given = put === null ? next : withValue(next, put);
    }
    const nll = await model.finish(given, batch);
    return Array.from({ length: batch.rows }, (_, row) => {
      const start = row * batch.tokens;
      return nll.subarray(start, start + lossCount(batch, row)).reduce((sum, each) => sum + each, 0);
    });
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
    await pass(batch, sums.clean, null, async ({ layer, site }, value) => {
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
    await pass(batch, sums.sae, ['transcoder', kept?.sha256], async ({ layer, site }, value) => {
      if (site === 'mlp_out') return replaced.outputs[layer]!;
      await replaced.read(layer, value);
      return null;
    });
    const zero = new Float32Array(tokens * d);
    await pass(batch, sums.zero, ['zero'], ({ site }) => (site === 'mlp_out' ? zero : null));
  }
  const tables = statistics.map((each) => each.tables());
  const means = tables.map(meanOf);
  const follows = ['means', means.map((mean) => sha256(new Uint8Array(mean.buffer)))];
  for (const batch of batches) {
    await pass(batch, sums.mean, follows, ({ layer, site }) =>
      site === 'mlp_out' ? repeated(means[layer]!, batch.rows * batch.tokens) : null,
    );
  }
  const rows = sums.clean.length;
  const resamples = resampleRows(rows, { count: draws.resamples, seed: draws.seed }, documents);
  const column = (of: number[]): Float64Array => Float64Array.from(of);
  const table = {
    predictions: Float64Array.from(
      batches.flatMap((batch) => Array.from({ length: batch.rows }, (_, row) => lossCount(batch, row))),
    ),
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

/** Of a layer in one batch. */
interface Seen {
  /** What its MLP gives [tokens, d]. */
  x: Float32Array;
  reconstruction: Float32Array;
  /** Those that read there. */
  latents: Latents;
  d: number;
  d_sae: number;
}

/** @param seen layers that are taken side by side, as one activation and one dictionary */
function addRows(statistics: HookStatistics, seen: readonly Seen[], batch: TokenBatch, pass: number): void {
  const passMean = Float64Array.from(seen.flatMap(({ x, d }) => [...meanOfTokens(x, d)]));
  const { tokens } = batch;
  for (let row = 0; row < batch.rows; row++) {
    const rowOf = (name: 'x' | 'reconstruction') =>
      sideBySide(
        seen.map(({ [name]: of, d }) => ({ of: of.subarray(row * tokens * d, (row + 1) * tokens * d), d })),
        tokens,
      );
    statistics.add({ x: rowOf('x'), tokens, pass, passMean, ...documentOf(batch, row) }, [
      { reconstruction: rowOf('reconstruction'), latents: latentsOfRow(seen, row, tokens) },
    ]);
  }
}

/** [tokens, sum of the widths] of [tokens, width] each; of one that itself. */
function sideBySide(parts: readonly { of: Float32Array; d: number }[], tokens: number): Float32Array {
  if (parts.length === 1) return parts[0]!.of;
  const width = parts.reduce((sum, { d }) => sum + d, 0);
  const whole = new Float32Array(tokens * width);
  let at = 0;
  for (const { of, d } of parts) {
    for (let t = 0; t < tokens; t++) whole.set(of.subarray(t * d, (t + 1) * d), t * width + at);
    at += d;
  }
  return whole;
}

/** The latents of a row, those of later layers numbered on from those of earlier ones. */
function latentsOfRow(seen: readonly Seen[], row: number, tokens: number): Latents {
  const k = seen.reduce((sum, { latents }) => sum + latents.k, 0);
  const found = { k, indices: new Int32Array(tokens * k), values: new Float32Array(tokens * k) };
  let slot = 0;
  let latent = 0;
  for (const { latents: of, d_sae } of seen) {
    for (let t = 0; t < tokens; t++) {
      const from = (row * tokens + t) * of.k;
      found.values.set(of.values.subarray(from, from + of.k), t * k + slot);
      for (let i = 0; i < of.k; i++) found.indices[t * k + slot + i] = latent + of.indices[from + i]!;
    }
    slot += of.k;
    latent += d_sae;
  }
  return found;
}
