/** One pass over samples whose features are known: how often each latent fires with the feature that it is nearest to. */
import type { TokenBatch } from '../lm/language-model.ts';
import type { Observer } from '../lm/observer.ts';
import { type Random, random, shuffle } from '../math/random.ts';
import type { OpenSae } from '../sae/open-sae.ts';
import { openSae } from '../sae/open-sae.ts';
import type { Directions } from '../suites/ablation.ts';
import type { Detection, Matching, TrueDetections, Truth } from '../suites/truth.ts';
import { type SyntheticModel, sampleBatch } from '../synthetic/model.ts';
import { activationsOf } from '../synthetic/samples.ts';
import { matchFeatures } from './matching.ts';
import { onEachDevice } from './observation.ts';
import { oracleSae } from './oracle.ts';
import { activeLatents, type MakingOptions } from './reconstructors.ts';
import { meanResidual, untrainedDirections, untrainedSae } from './untrained.ts';

/** Intervals resample so many stretches of samples at most: counts are kept for each. */
const BLOCKS = 64;
/** Samples that a random SAE's L0 and mean are taken from. */
const FIT = 2_048;

export interface TruthPass {
  truth: Truth;
  observer: Observer;
  close(): Promise<void>;
}

/** An SAE, or what it is held against, on its way through the samples. */
interface Counting {
  sae: OpenSae;
  matching: Matching | null;
  reason: string;
  /** Best features in another order: the floor of a decoder that does not belong to the encoder. */
  permuted: Int32Array | null;
  fires: Uint32Array;
  hits: Uint32Array;
  permutedHits: Uint32Array;
}

/**
 * @param saes with their decoders' directions and content hashes
 * @param batches of one width
 */
export async function truthPass(
  model: SyntheticModel,
  saes: readonly { sae: OpenSae; directions: () => Promise<Directions>; sha256: string }[],
  batches: readonly TokenBatch[],
  options: Pick<MakingOptions, 'device' | 'threads' | 'seed'> & {
    /** Whether a random SAE and an oracle are measured beside them; they are unless told otherwise. */
    withReferences?: boolean;
  },
): Promise<TruthPass> {
  const { parts } = model;
  const { d, features, vectors } = parts;
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const blocks = Math.min(BLOCKS, rows);
  const samples = new Float64Array(blocks);
  const firings = new Uint32Array(blocks * features);

  const counting = async (sae: OpenSae, directions: Directions, order?: Int32Array): Promise<Counting> => {
    const matching = directions.rows && (await matchFeatures(directions.rows, vectors, d, options));
    return {
      sae,
      matching,
      reason: directions.reason ?? '',
      permuted: matching && order ? order.map((latent) => matching.best[latent]!) : null,
      fires: new Uint32Array(blocks * sae.d_sae),
      hits: new Uint32Array(blocks * sae.d_sae),
      permutedHits: new Uint32Array(order ? blocks * sae.d_sae : 0),
    };
  };

  const own: Counting[] = [];
  for (const { sae, directions, sha256 } of saes) {
    const order = Int32Array.from({ length: sae.d_sae }, (_, latent) => latent);
    shuffle(order, random('permuted decoder', options.seed, sha256));
    own.push(await counting(sae, await directions(), order));
  }
  const references: (Counting & { name: string; note: string; of: number[] })[] = [];
  if (options.withReferences ?? true) {
    const fit = activationsOf(parts, model.features(sampleBatch(`floor ${options.seed}`, 0, 1, FIT)));
    const shapes = new Map<string, { sae: OpenSae; k: number; of: number[] }>();
    for (const [i, { sae }] of saes.entries()) {
      const k = await activeLatents(sae, () => fit);
      const key = `${sae.d_sae} ${k}`;
      shapes.set(key, { sae, k, of: [...(shapes.get(key)?.of ?? []), i] });
    }
    for (const { sae, k, of } of shapes.values()) {
      const stream = (): Random => random('untrained', options.seed, sae.d_sae, k);
      const made = untrainedSae({ d_sae: sae.d_sae, k, d }, meanResidual(fit, d), stream());
      const note = `Random unit decoder rows, the encoder their transpose, TopK with k = ${k}.`;
      const open = await openSae(made, optionsOf(options));
      const rows = untrainedDirections(sae.d_sae, d, stream());
      references.push({ name: 'random SAE', note, of, ...(await counting(open, { rows })) });
    }
    const oracle = oracleSae(model, options.seed);
    references.push({
      name: 'oracle',
      note: 'The true features as decoder; each read by the linear combination of least variance that passes it unchanged, with the threshold of greatest expected F1.',
      of: saes.map((_, i) => i),
      ...(await counting(await openSae(oracle, optionsOf(options)), { rows: oracle.W_dec })),
    });
  }

  /** Sample of the pass in which a feature was active last, from 1 on. */
  const seen = new Float64Array(features);
  let sample = 0;
  let row = 0;

  const observer: Observer = {
    async see({ batch, residual }) {
      const active = model.features(batch);
      const encoded = await onEachDevice({ saes: [...own, ...references].map(({ sae }) => sae) }, (sae) =>
        sae.encode(residual, batch.rows * batch.tokens, batch.tokens),
      );
      for (let t = 0; t < batch.rows * batch.tokens; t++) {
        const block = Math.floor(((row + Math.floor(t / batch.tokens)) * blocks) / rows);
        samples[block]!++;
        sample++;
        for (let entry = active.starts[t]!; entry < active.starts[t + 1]!; entry++) {
          const feature = active.indices[entry]!;
          seen[feature] = sample;
          firings[block * features + feature]!++;
        }
        for (const [i, each] of [...own, ...references].entries()) {
          const { k, indices, values } = encoded[i]!;
          for (let slot = t * k; slot < (t + 1) * k; slot++) {
            if (values[slot] === 0) continue;
            const latent = indices[slot]!;
            const at = block * each.sae.d_sae + latent;
            each.fires[at]!++;
            if (each.matching === null) continue;
            if (seen[each.matching.best[latent]!] === sample) each.hits[at]!++;
            if (each.permuted && seen[each.permuted[latent]!] === sample) each.permutedHits[at]!++;
          }
        }
      }
      row += batch.rows;
      return [];
    },
  };

  const detectionOf = ({ matching, reason, fires, hits }: Counting): Detection =>
    matching === null ? { matching, reason } : { matching, fires, hits };

  const found = (): TrueDetections => ({
    blocks,
    samples,
    firings,
    saes: own.map(detectionOf),
    references: [
      ...own.flatMap((each, i) =>
        each.matching === null
          ? []
          : [
              {
                name: 'permuted decoder',
                note: 'The SAE’s latents, its decoder rows in another order.',
                of: [i],
                matching: { ...each.matching, best: each.permuted! },
                fires: each.fires,
                hits: each.permutedHits,
              },
            ],
      ),
      ...references.map(({ name, note, of, ...each }) => ({ name, note, of, ...detectionOf(each) })),
    ],
  });

  return {
    truth: { features, depth: parts.forest?.depth ?? null, detections: { at: found } },
    observer,
    async close() {
      for (const { sae } of references) await sae.close();
    },
  };
}

function optionsOf({ device, threads }: Pick<MakingOptions, 'device' | 'threads'>) {
  return { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) };
}
