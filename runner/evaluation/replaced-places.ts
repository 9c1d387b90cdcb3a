/**
 * A crosscoder on its language models: how well its one code reconstructs the activations at each of its places, and the loss of each
 * place's model with them replaced. The code is that of the models left alone, at all places.
 */
import { type Hook, hookName } from '../hook.ts';
import { sha256 } from '../io/hash.ts';
import { type LanguageModel, repeated, type TokenBatch } from '../lm/language-model.ts';
import { resampleRows } from '../metrics/bootstrap.ts';
import { hookStatistics } from '../metrics/hook-statistics.ts';
import type { LossTable } from '../metrics/loss-recovered.ts';
import type { Reporter } from '../reporter.ts';
import type { OpenCrosscoder } from '../sae/open-crosscoder.ts';
import { type LossDefinition, lossRecoveredSuite } from '../suites/loss-recovered.ts';
import { type ReconstructionResult, reconstructionSuite } from '../suites/reconstruction.ts';
import type { SuiteResult } from '../suites/result.ts';
import { meanOf } from './mean-of.ts';
import { blocksOf, documentsOf } from './observation.ts';
import { addRows, type KeptPasses, predictionsOf, replacing, type Seen } from './replacing.ts';

/** Where a crosscoder reads and writes. */
export interface CrosscoderPlace {
  /** Number of its model among those of the crosscoder. */
  model: number;
  hook: Hook;
}

export interface ReplacedPlaces {
  tokens: number;
  rows: number;
  blocks: number | undefined;
  /** Of the activations of all places side by side, and of the latents. */
  whole: ReconstructionResult;
  /** Tokens on which each latent fired. */
  firings: Float64Array;
  places: readonly {
    reconstruction: ReconstructionResult['metrics'];
    /** With this place's activations alone replaced: by their reconstruction, by zero and by their mean. */
    losses: SuiteResult<LossDefinition>;
  }[];
}

/** What its losses are called. */
export const REPLACED = 'with activations replaced';

/**
 * @param models each opened with the hooks of its places
 * @param batches full rows of one width, of tokens that all models have
 * @param kept where losses with something replaced are cached, by an earlier try too
 * @throws Stopped when the user asked to stop
 */
export async function replacedPlaces(
  models: readonly LanguageModel[],
  { coder, places }: { coder: OpenCrosscoder; places: readonly CrosscoderPlace[] },
  batches: readonly TokenBatch[],
  draws: { resamples: number; seed: number },
  reporter: Reporter,
  kept?: KeptPasses,
): Promise<ReplacedPlaces> {
  const { d, d_sae } = coder;
  const documents = documentsOf(batches);
  const sums = places.map(() => ({ sae: [] as number[], zero: [] as number[], mean: [] as number[] }));
  const clean = models.map((): number[] => []);
  const statistics = places.map(() => hookStatistics(d, [null]));
  const whole = hookStatistics(places.length * d, [d_sae]);
  const passes = models.length + 3 * places.length;
  const { pass, stopWhenAsked } = replacing(
    { total: passes * batches.length, name: 'crosscoder', losses: REPLACED },
    reporter,
    kept,
  );

  /** One pass of a place's model, with `put` there. */
  const replaced = (
    place: number,
    batch: TokenBatch,
    into: number[],
    follows: unknown,
    put: Float32Array,
  ) => {
    const { model, hook } = places[place]!;
    const name = hookName(hook);
    return pass(models[model]!, batch, into, [model, name, follows], (at) =>
      hookName(at) === name ? put : null,
    );
  };

  for (const [index, batch] of batches.entries()) {
    const tokens = batch.rows * batch.tokens;
    const x: Float32Array[] = [];
    for (const [number, model] of models.entries()) {
      await pass(model, batch, clean[number]!, null, (hook, value) => {
        for (const [place, at] of places.entries())
          if (at.model === number && hookName(at.hook) === hookName(hook)) x[place] = value.slice();
        return null;
      });
    }
    const latents = await coder.encode(x, tokens, stopWhenAsked);
    const rebuilt = await coder.decode(latents, tokens, stopWhenAsked);
    const seen = places.map((_, place): Seen => {
      return { x: x[place]!, reconstruction: rebuilt[place]!, d, d_sae, ...(place === 0 && { latents }) };
    });
    for (const [place, each] of seen.entries()) addRows(statistics[place]!, [each], batch, index);
    addRows(whole, seen, batch, index);
    const zero = new Float32Array(tokens * d);
    for (const place of places.keys()) {
      await replaced(place, batch, sums[place]!.sae, ['reconstruction', kept?.sha256], rebuilt[place]!);
      await replaced(place, batch, sums[place]!.zero, 'zero', zero);
    }
  }
  const tables = statistics.map((each) => each.tables());
  for (const [place, table] of tables.entries()) {
    const mean = meanOf(table);
    const follows = ['mean', sha256(new Uint8Array(mean.buffer))];
    for (const batch of batches)
      await replaced(place, batch, sums[place]!.mean, follows, repeated(mean, batch.rows * batch.tokens));
  }
  const rows = clean[0]!.length;
  const resamples = resampleRows(rows, { count: draws.resamples, seed: draws.seed }, documents);
  const predictions = predictionsOf(batches);
  const wholeTables = whole.tables();
  return {
    tokens: batches.reduce((sum, batch) => sum + batch.rows * batch.tokens, 0),
    rows,
    blocks: blocksOf(batches),
    whole: reconstructionSuite(wholeTables, resamples)[0]!,
    firings: wholeTables.saes[0]!.firing!.firings,
    places: tables.map((table, place) => {
      const { sae, zero, mean } = sums[place]!;
      const losses: LossTable = {
        predictions,
        clean: Float64Array.from(clean[places[place]!.model]!),
        sae: Float64Array.from(sae),
        zero: Float64Array.from(zero),
        mean: Float64Array.from(mean),
      };
      return {
        reconstruction: reconstructionSuite(table, resamples)[0]!.metrics,
        losses: lossRecoveredSuite(losses, resamples),
      };
    }),
  };
}
