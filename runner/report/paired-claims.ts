/** Resamples that are not those of the value they stand beside: checked wherever a record enters, with its schema. */
import type { ClaimFault } from './claims.ts';
import { perStratum, unpackDraws, unpackInfluences } from './paired-draws.ts';
import type { Paired, PairedDraws } from './paired-schema.ts';

/**
 * Resamples of a curved statistic lean to one side of its value, of a peak by 1.3 of their standard deviations; a value
 * that is further from their middle than this is another one.
 */
const LEANING = 4;
const ROUNDING = 1e-9;

/** @param of gives the value that the record holds under a definition, null where it has none */
export function pairedFaults(paired: Paired, of: (id: string) => number | null): ClaimFault[] {
  return Object.entries(paired.draws).flatMap(([id, draws]) => {
    const value = of(id);
    const message = value === null ? null : drawsFault(value, draws, paired);
    return message === null ? [] : [{ path: ['paired', 'draws', id], message }];
  });
}

function drawsFault(value: number, draws: PairedDraws, { count, sources }: Paired): string | null {
  const samples = unpackDraws(draws);
  if (samples.length !== count) return `expected ${count} resamples, received ${samples.length}`;
  const [mean, variance] = moments(samples);
  // Beside influences the levels hold what is left of each resample, and the influences cancel on average.
  const centre = draws.influences === undefined ? mean : value + mean;
  let spread = variance;
  if (draws.influences !== undefined) {
    const influences = unpackInfluences(draws.influences, sources ?? []);
    if (influences === null) return 'expected an influence for each block of its sources';
    for (const { source, values } of influences) {
      const shares = perStratum(source, (n) => (n > 1 ? 1 / (n * (n - 1)) : 0));
      spread += values.reduce((sum, each, i) => sum + shares[i]! * each ** 2, 0);
    }
  }
  const most = LEANING * Math.sqrt(spread) + draws.step + ROUNDING * (1 + Math.abs(value));
  if (Math.abs(centre - value) <= most) return null;
  return `expected resamples of ${value}, received some around ${centre.toPrecision(4)}`;
}

function moments(samples: Float64Array): [mean: number, variance: number] {
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length;
  return [mean, samples.reduce((sum, each) => sum + (each - mean) ** 2, 0) / samples.length];
}
