/** Figures of a crosscoder: of its decoders, which take no text, and of its places. */
import { combine, type Statistic } from '../metrics/statistic.ts';
import type { EvaluationRecord, Measure, Part } from '../report/schema.ts';
import { FIRST_UP_TO, SECOND_FROM, SHARED } from '../report/suites/crosscoder.ts';
import { type DecoderGeometry, relativeNorms } from '../sae/crosscoder-decoders.ts';
import type { LossDefinition } from './loss-recovered.ts';
import type { ReconstructionResult } from './reconstruction.ts';
import { type SuiteResult, suiteResult } from './result.ts';

/** Latents by the lengths of their decoders; of two places by the relative norm ‖second‖ / (‖first‖ + ‖second‖). */
export type DecoderShares = {
  /** Mean share of a latent's decoder length that each place has. */
  share: number[];
  /** Latents without a decoder. */
  none: number;
  /** Latents whose decoder is longest at each place. */
  longest: number[];
} & ({ kind: 'two'; first: number; shared: number; second: number; between: number } | { kind: 'several' });

/** Of which places a latent is. */
const kinds = ['first', 'shared', 'second', 'between', 'none'] as const;
type Kind = (typeof kinds)[number];

function kindOf(relative: number): Kind {
  if (Number.isNaN(relative)) return 'none';
  if (relative <= FIRST_UP_TO) return 'first';
  if (relative >= SECOND_FROM) return 'second';
  return relative >= SHARED[0] && relative <= SHARED[1] ? 'shared' : 'between';
}

export function decoderShares({ norms }: Pick<DecoderGeometry, 'norms'>, places: number): DecoderShares {
  const latents = norms.length / places;
  const sums = new Float64Array(places);
  const longest = Array.from({ length: places }, () => 0);
  let none = 0;
  for (let latent = 0; latent < latents; latent++) {
    const each = norms.subarray(latent * places, (latent + 1) * places);
    const sum = each.reduce((a, b) => a + b, 0);
    if (sum === 0) {
      none++;
      continue;
    }
    for (let place = 0; place < places; place++) sums[place]! += each[place]! / sum;
    longest[each.indexOf(Math.max(...each))]!++;
  }
  const share = [...sums.map((each) => (latents === none ? 0 : each / (latents - none)))];
  if (places !== 2) return { kind: 'several', share, none, longest };
  const count = { first: 0, shared: 0, second: 0, between: 0, none: 0 };
  for (const relative of relativeNorms({ norms })) count[kindOf(relative)]++;
  return { kind: 'two', share, longest, ...count };
}

/** Bins of the histograms. */
const BINS = 20;

/** Latents by the relative norm, and shared latents by the cosine of their two decoders; null of more than two places. */
export function decoderHistograms(
  { norms, cosines }: DecoderGeometry,
  places: number,
): NonNullable<EvaluationRecord['curves']['decoders']> | null {
  if (places !== 2) return null;
  const relative = relativeNorms({ norms });
  const shared = cosines.filter((_, latent) => kindOf(relative[latent]!) === 'shared');
  return { relative_norm: binned(relative, 0, 1), cosine: binned(shared, -1, 1) };
}

/** What is not a number is left out. */
function binned(values: Float64Array, low: number, high: number): { edges: number[]; counts: number[] } {
  const edges = Array.from({ length: BINS + 1 }, (_, i) =>
    Number((low + ((high - low) * i) / BINS).toFixed(6)),
  );
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    const at = Math.floor(((value - low) / (high - low)) * BINS);
    counts[Math.max(0, Math.min(BINS - 1, at))]!++;
  }
  return { edges, counts };
}

interface Placed {
  reconstruction: ReconstructionResult['metrics'];
  losses: SuiteResult<LossDefinition>;
}

const NOTHING_SAMPLED = 'of the decoder alone: nothing is sampled';

function exact(value: number): Measure {
  return { value, interval: null, interval_note: NOTHING_SAMPLED };
}

/**
 * @param names of the places, as the table calls them
 * @param firings tokens on which each latent fired
 */
export function crosscoderPart(
  { places, firings }: { places: readonly Placed[]; firings: Float64Array },
  geometry: DecoderGeometry,
  names: readonly string[],
): { part: Part; statistics: Record<string, Statistic> } {
  const shares = decoderShares(geometry, places.length);
  const recovered = combine(
    places.map(({ losses }) => losses.statistics['loss_recovered@pooled-v1']),
    (...each) => each.reduce((sum, value) => sum + value, 0) / each.length,
    'the loss recovered of a place is not finite',
  );
  const { metrics, statistics } = suiteResult({ 'loss_recovered_places@v1': recovered });
  const counted = firings.length - shares.none;
  const of = (count: number): Measure =>
    counted === 0 ? { value: null, reason: 'no latent has a decoder' } : exact(count / counted);
  const rows = places.map(({ reconstruction, losses }, place) => ({
    name: names[place]!,
    cells: {
      var_exp: reconstruction['var_exp@pooled-v1'],
      loss_recovered: losses.metrics['loss_recovered@pooled-v1'],
      loss_sae: losses.metrics['loss_sae@v1'],
      loss_clean: losses.metrics['loss_clean@v1'],
      loss_zero: losses.metrics['loss_zero@v1'],
      loss_mean: losses.metrics['loss_mean@v1'],
      share: exact(shares.share[place]!),
      longest: shares.longest[place]!,
    },
  }));
  if (shares.kind === 'several') return { part: { measures: metrics, tables: { places: rows } }, statistics };
  const measures = {
    ...metrics,
    'latents_first_only@v1': of(shares.first),
    'latents_shared@v1': of(shares.shared),
    'latents_second_only@v1': of(shares.second),
  };
  const tables = { places: rows, latents: latentRows(geometry, firings, names) };
  return { part: { measures, tables }, statistics };
}

function latentRows(
  geometry: DecoderGeometry,
  firings: Float64Array,
  [first, second]: readonly string[],
): NonNullable<Part['tables']>[string] {
  const words: Record<Kind, { name: string; norms: string }> = {
    first: { name: `of ${first} alone`, norms: `up to ${FIRST_UP_TO}` },
    shared: { name: 'shared', norms: `${SHARED[0]} to ${SHARED[1]}` },
    second: { name: `of ${second} alone`, norms: `from ${SECOND_FROM} on` },
    between: { name: 'in between', norms: 'others' },
    none: { name: 'without a decoder', norms: 'none' },
  };
  const relative = [...relativeNorms(geometry)].map(kindOf);
  return kinds.map((kind) => {
    const latents = [...relative.keys()].filter((latent) => relative[latent] === kind);
    const cosines = latents.map((latent) => geometry.cosines[latent]!).filter((each) => !Number.isNaN(each));
    return {
      name: words[kind].name,
      cells: {
        norms: words[kind].norms,
        latents: latents.length,
        alive: latents.filter((latent) => firings[latent]! > 0).length,
        cosine: rounded(medianOf(cosines)),
      },
    };
  });
}

/** To the digits that are shown. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(4));
}

function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return sorted.length === 0 ? null : (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
