/** The decoders of a run's SAEs against one another, every pair of them as far as the run's budget goes. */
import type { EvaluationSettings } from '../../config/sections.ts';
import { UnavailableError } from '../../errors.ts';
import { greatestCosineTail, meanGreatestCosine } from '../../math/random-directions.ts';
import { automaticDevice } from '../../onnx/device-facts.ts';
import { parseDevices } from '../../onnx/devices.ts';
import {
  type ComparedSae,
  type Similarity,
  type SimilarityPair,
  similarityVersion,
} from '../../report/similarity.ts';
import { type SimilarityId, TWIN_COSINE } from '../../report/similarity-definitions.ts';
import { type Reporter, Stopped } from '../../reporter.ts';
import {
  type Comparer,
  comparisonOperations,
  countOf,
  type DecoderRows,
  openComparer,
} from '../../sae/decoder-similarity.ts';

/** Floating-point operations that a run spends on it unless told otherwise: some minutes, on two slow cores or on a GPU. */
const OPERATIONS = { cpu: 2e13, gpu: 2e15 } as const;

const NOT_AT_HAND = 'the weights of one were not at hand where the shards of the run were joined';

const NO_INTERVAL = 'Every latent that fired was compared: nothing was drawn.';

export interface ComparedDecoder extends Pick<DecoderRows, 'kept'> {
  /** Id of its record. */
  record: string;
  layer: number;
  sha256: string;
  /** Null where its weights are not at hand: its pairs are known from before, or left out. */
  sae: DecoderRows['sae'] | null;
}

export interface ComparisonSettings {
  device: string;
  threads: number | null;
  evaluation: Pick<EvaluationSettings, 'similarityOperations'>;
}

/** Two SAEs by their places, the first not after the second: one comparison gives either's latents among the other's. */
interface PlannedPair {
  places: readonly [number, number];
  operations: number;
  /** Why it is left out. */
  reason: string | null;
}

/**
 * Pairs in the order in which they are compared: SAEs of one layer first, then those ever further apart. Those that the
 * budget does not reach are left out, with the reason.
 */
export function plannedPairs(saes: readonly ComparedDecoder[], d: number, budget: number): PlannedPair[] {
  const pairs = saes.flatMap((first, i) =>
    saes.slice(i).map((second, offset) => ({
      places: [i, i + offset] as const,
      operations: comparisonOperations(first, second, d),
      apart: Math.abs(first.layer - second.layer),
    })),
  );
  let spent = 0;
  return pairs
    .sort((a, b) => a.apart - b.apart)
    .map(({ places, operations }) => {
      const reason =
        spent + operations <= budget
          ? null
          : `it takes ${trillions(operations)} floating-point operations after ${trillions(spent)} for nearer pairs; evaluation.similarityOperations allows ${trillions(budget)}`;
      if (reason === null) spent += operations;
      return { places, operations, reason };
    });
}

export function budgetOf({ device, evaluation }: ComparisonSettings): number {
  const [first] = parseDevices(device);
  return evaluation.similarityOperations ?? OPERATIONS[first === 'cpu' ? 'cpu' : 'gpu'];
}

/**
 * @param before what earlier sessions of the run, or its shards, have compared
 * @param keep called with what is known so far, after every pair
 * @throws Stopped when the user asked to stop; pairs that were kept are not compared again
 */
export async function compareDecoders(
  run: {
    config: ComparisonSettings;
    saes: readonly ComparedDecoder[];
    about: Pick<Similarity, 'id' | 'model' | 'd_model' | 'window_tokens'>;
    before: readonly Similarity[];
    keep: (found: Similarity) => Promise<void>;
  },
  reporter: Reporter,
): Promise<Similarity> {
  const { config, saes, about, before } = run;
  const d = about.d_model;
  const planned = plannedPairs(saes, d, budgetOf(config));
  const found: Similarity = {
    schema: similarityVersion,
    ...about,
    saes: saes.map(
      ({ record, layer, sha256, kept }): ComparedSae => ({
        record,
        layer,
        d_sae: kept.length,
        sha256,
        compared: countOf({ kept }),
      }),
    ),
    pairs: [],
    interval_note: NO_INTERVAL,
  };
  const total = planned.reduce((sum, { operations, reason }) => sum + (reason === null ? operations : 0), 0);
  let done = 0;
  const progress = (operations: number): void => {
    done += operations;
    reporter.progress(Math.min(done, total) / 1e9, total / 1e9);
  };
  const left = planned.filter(({ reason }) => reason !== null).length;
  if (left > 0)
    reporter.note(
      `similarity: ${left} of ${planned.length} pairs of decoders are left out: all take ${trillions(planned.reduce((sum, { operations }) => sum + operations, 0))} floating-point operations, evaluation.similarityOperations allows ${trillions(budgetOf(config))}`,
    );
  const rows = saes.map(({ sae, kept }) => (sae === null ? null : { sae, kept }));
  let comparer: Comparer | undefined;
  try {
    for (const { places, operations, reason } of planned) {
      const both = directionsOf(places);
      const known = both.map(([of, among]) => pairOf(before, found, of, among));
      if (reason !== null) {
        found.pairs.push(...both.map(([of, among]) => ({ of, among, reason })));
      } else if (known.every((each) => each !== undefined)) {
        found.pairs.push(...known);
        progress(operations);
      } else if (places.some((place) => rows[place] === null)) {
        found.pairs.push(...both.map(([of, among]) => ({ of, among, reason: NOT_AT_HAND })));
      } else {
        comparer ??= await comparerFor(config, reporter);
        const [i, j] = places;
        const { first, second } = await comparer.nearest(rows[i]!, rows[j]!, (spent) => {
          progress(spent);
          if (reporter.stopRequested()) throw new Stopped();
        });
        found.pairs.push(
          ...both.map(([of, among], place) => valuesOf(saes, d, of, among, place === 0 ? first : second)),
        );
        await run.keep(found);
      }
    }
  } finally {
    await comparer?.close();
  }
  await run.keep(found);
  return found;
}

/** A's latents among B's, and B's among A's; of an SAE with itself the one. */
function directionsOf([i, j]: readonly [number, number]): [number, number][] {
  return i === j
    ? [[i, i]]
    : [
        [i, j],
        [j, i],
      ];
}

/** What was found of a pair before, of the very same SAEs. */
function pairOf(
  before: readonly Similarity[],
  now: Similarity,
  of: number,
  among: number,
): SimilarityPair | undefined {
  for (const { saes, pairs } of before) {
    const [row, column] = [of, among].map((place) => {
      const wanted = JSON.stringify(now.saes[place]);
      return saes.findIndex((sae) => JSON.stringify(sae) === wanted);
    });
    const pair = pairs.find((each) => each.of === row && each.among === column && 'values' in each);
    if (pair !== undefined) return { ...pair, of, among };
  }
  return undefined;
}

function valuesOf(
  saes: readonly ComparedDecoder[],
  d: number,
  of: number,
  among: number,
  nearest: Float32Array,
): SimilarityPair {
  const [own, other] = [saes[of]!, saes[among]!];
  const compared = countOf(own);
  const others = countOf(other) - (of === among ? 1 : 0);
  if (compared === 0 || others < 1) {
    const reason =
      compared === 0 || of !== among
        ? 'no latent fired on the evaluation text'
        : 'one latent alone fired on the evaluation text';
    return { of, among, reason };
  }
  let twins = 0;
  let sum = 0;
  for (const [latent, kept] of own.kept.entries()) {
    if (kept === 0) continue;
    const cosine = nearest[latent]!;
    if (cosine > TWIN_COSINE) twins++;
    sum += cosine;
  }
  return {
    of,
    among,
    values: measures(twins / compared, sum / compared),
    floor: measures(greatestCosineTail(TWIN_COSINE, d, others), meanGreatestCosine(d, others)),
  };
}

function measures(twins: number, mean: number): Record<SimilarityId, number> {
  return { 'decoder_twins@cosine-0.7': twins, 'decoder_mmcs@v1': mean };
}

function trillions(operations: number): string {
  return `${Number((operations / 1e12).toPrecision(3)).toLocaleString('en-US')} trillion`;
}

/** On the run's device, or where that is not here, as when shards of a GPU are merged elsewhere, on the best there is. */
async function comparerFor({ device, threads }: ComparisonSettings, reporter: Reporter): Promise<Comparer> {
  const asked = parseDevices(device)[0];
  const options = threads === null ? {} : { threads };
  try {
    return await openComparer({ ...options, device: asked });
  } catch (error) {
    if (!(error instanceof UnavailableError) || asked === 'cpu') throw error;
    const here = await automaticDevice();
    reporter.note(`similarity: ${asked} is not here, decoders are compared on ${here.device}`);
    return openComparer({ ...options, device: here.device });
  }
}
