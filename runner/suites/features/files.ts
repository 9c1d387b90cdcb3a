/** The evidence of one SAE's latents as the files that a page reads (runner/report/features.ts). */
import { cancellationPoint } from '../../math/cancellation.ts';
import { joined } from '../../math/joined.ts';
import type { AblationEffects } from '../../metrics/ablation-effect.ts';
import { firingRate } from '../../metrics/firing-rate.ts';
import type { FiringTogether } from '../../metrics/firing-together.ts';
import { BINS, type LatentContext, type LatentEvidence, LOWEST_BIN } from '../../metrics/latent-evidence.ts';
import { INDEX_FILE, SHARD_LATENTS, shardOf } from '../../report/feature-places.ts';
import {
  type Choice,
  type Feature,
  type FeatureContext,
  type FeatureIndex,
  type FeatureShard,
  featuresVersion,
  shardVersion,
} from '../../report/features.ts';
import { type Decoder, pickedRows } from '../../sae/directions.ts';
import type { HeldOutText, ScoredSae, SuiteContext } from '../suite.ts';
import { tokenTable } from '../token-text.ts';
import type { AblatedLatents } from './ablated.ts';
import { chosenLatents } from './choose.ts';

/** Of a latent: tokens at each end of its effects on logits, neighbours, companions, and tokens that it is found by. */
const EFFECTS = 8;
const NEIGHBOURS = 6;
const COMPANIONS = 6;
const PEAKS = 3;
/** Bytes of JSON that a token of a context takes, and a latent beside its contexts, about. */
const TOKEN_BYTES = 9;
const LATENT_BYTES = 900;

export interface EvidenceOf {
  evidence: LatentEvidence;
  together: FiringTogether;
  ablated: Pick<AblatedLatents, 'effects' | 'sampled'>;
  uses: ScoredSae['uses'];
  decoder: Decoder;
  text: HeldOutText;
  settings: { budget: number; top: number; sampled: number; before: number; after: number };
  seed: number;
  sha256: string;
  tokenizer: SuiteTokens;
  /** Null where decoder rows are no directions of the residual stream. */
  logitEffects: SuiteContext['logitEffects'] | null;
  nearestRows: SuiteContext['nearestRows'];
}

type Neighbour = Awaited<ReturnType<SuiteContext['nearestRows']>>[number][number];
type SuiteTokens = Pick<SuiteContext['tokenizer'], 'decode' | 'size' | 'special'>;

/** @returns files by name, how many latents were chosen for which reason, and which */
export async function evidenceFiles(
  of: EvidenceOf,
): Promise<{ files: Record<string, string>; chosen: Map<Choice, number>; latents: number[] }> {
  const { evidence, decoder, text, settings, seed } = of;
  const { budget, top, sampled, before, after } = settings;
  const contexts = { top, sampled, before, after };
  const alive = evidence.alive();
  const near = new Map<number, Neighbour[]>();
  /** Decoder rows of the latents that were looked at, those chosen among them. */
  const rowOf = new Map<number, Float32Array>();
  const chosen = await chosenLatents(
    alive.map((latent) => ({ latent, rate: evidence.factsOf(latent).fires / evidence.tokens })),
    fitting(settings),
    seed,
    usedLatents(of),
    async (asked) => {
      if (decoder.rows === null) return asked.map(() => null);
      const { d } = decoder.rows;
      const picked = await pickedRows(decoder.rows, asked);
      const found = await of.nearestRows(decoder.rows, asked, NEIGHBOURS, picked);
      for (const [i, latent] of asked.entries()) {
        near.set(latent, found[i]!);
        rowOf.set(latent, picked.subarray(i * d, (i + 1) * d));
      }
      return found.map(([first]) => first?.cosine ?? null);
    },
  );
  const latents = [...chosen.keys()];
  const rows = decoder.rows && joined(latents.map((latent) => rowOf.get(latent)!));
  const effects = rows === null || of.logitEffects === null ? null : await of.logitEffects(rows, EFFECTS);
  const companions = of.together.of(latents, evidence.d_sae, COMPANIONS);

  const used = new Set<number>();
  const features = latents.map((latent, i): Feature => {
    cancellationPoint();
    const found = [
      ...evidence.topOf(latent).map((each) => contextOf('top', each, text)),
      ...evidence.sampledOf(latent).map((each) => contextOf('sampled', each, text)),
    ];
    for (const { ids } of found) for (const id of ids) used.add(id);
    const pairs = (end: 'raised' | 'lowered'): Feature['raised'] => {
      const found = effects?.[i]?.[end];
      if (found === undefined) return null;
      return Array.from(found.ids, (id, place) => {
        used.add(id);
        return [id, digits(found.values[place]!)];
      });
    };
    return {
      latent,
      histogram: histogramOf(evidence, latent),
      contexts: found,
      raised: pairs('raised'),
      lowered: pairs('lowered'),
      neighbours: near.get(latent)?.map((each) => [each.latent, digits(each.cosine)]) ?? null,
      companions: companions[i]!.map((each) => [each.latent, digits(each.jaccard)]),
      ...ablationOf(of.ablated.effects, latent),
    };
  });

  const index: FeatureIndex = {
    schema: featuresVersion,
    sha256: of.sha256,
    d_sae: evidence.d_sae,
    alive: alive.length,
    text: {
      name: text.name,
      split: text.split,
      rows: text.rows,
      row_tokens: text.rowTokens,
      documents: evidence.documents,
    },
    contexts,
    budget,
    companion_tokens: of.together.tokens,
    ...(of.ablated.sampled.rows > 0 && { ablated: of.ablated.sampled }),
    no_directions: decoder.rows === null ? decoder.reason : null,
    columns: columnsOf(of, features, { chosen, near, norms: rows && lengthsOf(rows, latents.length) }),
    uses: of.uses.map(({ suite, concept, latents }) => ({
      suite,
      concept,
      latents: latents.map(([latent, weight]) => [latent, digits(weight)]),
    })),
    tokens: tokenTable(of.tokenizer, used),
  };
  const files: Record<string, string> = { [INDEX_FILE]: json(index) };
  for (let from = 0; from < features.length; from += SHARD_LATENTS) {
    const shard: FeatureShard = {
      schema: shardVersion,
      sha256: of.sha256,
      features: features.slice(from, from + SHARD_LATENTS),
    };
    files[shardOf(from)] = json(shard);
  }
  const counts = new Map<Choice, number>();
  for (const choice of chosen.values()) counts.set(choice, (counts.get(choice) ?? 0) + 1);
  return { files, chosen: counts, latents };
}

/** Latents whose evidence the budget holds. */
function fitting({ budget, top, sampled, before, after }: EvidenceOf['settings']): number {
  const each = LATENT_BYTES + (top + sampled) * (before + 1 + after) * TOKEN_BYTES;
  return Math.max(1, Math.floor(budget / each));
}

/** Those that were taken out of the residual, and of each concept the heaviest first: concepts take turns. */
function usedLatents({ ablated, uses }: EvidenceOf): number[] {
  const longest = Math.max(0, ...uses.map(({ latents }) => latents.length));
  const turns = Array.from({ length: longest }, (_, turn) =>
    uses.flatMap(({ latents }) => latents[turn]?.[0] ?? []),
  );
  return [...new Set([...ablated.effects.latents(), ...turns.flat()])];
}

function ablationOf(effects: AblationEffects, latent: number): Pick<Feature, 'ablation'> {
  const found = effects.of(latent);
  if (found === null) return {};
  const { mean, low, high, ...counts } = found;
  const bound = (value: number | null): number | null => (value === null ? null : digits(value));
  return { ablation: { mean: digits(mean), low: bound(low), high: bound(high), ...counts } };
}

function contextOf(kind: FeatureContext['kind'], found: LatentContext, text: HeldOutText): FeatureContext {
  const { row, start, position, values } = found;
  return {
    kind,
    row,
    start,
    peak: position - start,
    ids: [...text.row(row).subarray(start, start + values.length)],
    values: Array.from(values, digits),
  };
}

function histogramOf(evidence: LatentEvidence, latent: number): Feature['histogram'] {
  const counts = evidence.histogramOf(latent);
  const first = counts.findIndex((count) => count > 0);
  let end = BINS;
  while (end > first && counts[end - 1] === 0) end--;
  return { first: LOWEST_BIN + first, counts: [...counts.subarray(first, end)] };
}

function columnsOf(
  { evidence, ablated }: EvidenceOf,
  features: readonly Feature[],
  found: {
    chosen: ReadonlyMap<number, Choice>;
    near: ReadonlyMap<number, readonly Neighbour[]>;
    /** Of the decoder rows, in the order of the latents. */
    norms: readonly number[] | null;
  },
): FeatureIndex['columns'] {
  const latents = features.map(({ latent }) => latent);
  const intervals = latents.map((latent) => firingRate(evidence.factsOf(latent), evidence));
  return {
    latent: latents,
    choice: latents.map((latent) => found.chosen.get(latent)!),
    rate: intervals.map(({ rate }) => digits(rate)),
    low: intervals.map(({ low }) => digits(low)),
    high: intervals.map(({ high }) => digits(high)),
    mean: latents.map((latent) => digits(evidence.factsOf(latent).mean)),
    max: latents.map((latent) => digits(evidence.factsOf(latent).max)),
    nearest: latents.map((latent) => {
      const first = found.near.get(latent)?.[0];
      return first === undefined ? null : digits(first.cosine);
    }),
    norm: latents.map((_, place) => (found.norms === null ? null : digits(found.norms[place]!))),
    effect: latents.map((latent) => {
      const effect = ablated.effects.of(latent);
      return effect === null ? null : digits(effect.mean);
    }),
    peaks: features.map(peaksOf),
  };
}

function lengthsOf(rows: Float32Array, count: number): number[] {
  const d = rows.length / count;
  return Array.from({ length: count }, (_, row) =>
    Math.sqrt(rows.subarray(row * d, (row + 1) * d).reduce((sum, value) => sum + value * value, 0)),
  );
}

/** The tokens that a latent is strongest on, by how many of its strongest contexts. */
function peaksOf({ contexts }: Feature): number[] {
  const counts = new Map<number, number>();
  for (const { kind, ids, peak } of contexts) {
    if (kind === 'top') counts.set(ids[peak]!, (counts.get(ids[peak]!) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, PEAKS)
    .map(([id]) => id);
}

/** Three significant digits. */
function digits(value: number): number {
  return Number(value.toPrecision(3));
}

function json(value: FeatureIndex | FeatureShard): string {
  return `${JSON.stringify(value)}\n`;
}
