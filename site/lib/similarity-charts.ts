/** How alike decoders are, as heat maps: one a definition, a row and a column an SAE. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import type { Similarity, SimilarityPair } from '../../runner/report/similarity.ts';
import {
  type SimilarityId,
  similarityDefinitions,
  similarityIds,
} from '../../runner/report/similarity-definitions.ts';
import type { HeatSpec } from '../charts/heat-map.ts';
import { formatCount } from './format.ts';
import { saeLabel } from './release-text.ts';
import type { Release } from './releases.ts';
import { definitionAnchor } from './url.ts';

export interface SimilarityChart {
  definition: SimilarityId;
  spec: HeatSpec;
}

export interface SimilarityView {
  charts: SimilarityChart[];
  /** SAEs drawn, and those there are. */
  drawn: number;
  all: number;
  window_tokens: number;
  /** Latents compared: the fewest and the most of an SAE. */
  latents: [number, number];
  /** Pairs of the same hook, of SAEs that are not one. */
  sameHook: boolean;
}

/** Rows and columns that a picture has room for. */
const MOST = 20;

/**
 * @param records of the release; SAEs whose record is not among them are left out
 * @param prefix of the pictures' ids
 * @returns null where no two SAEs were compared
 */
function similarityView(
  similarity: Similarity,
  records: readonly EvaluationRecord[],
  title: string,
  prefix: string,
): SimilarityView | null {
  const known = new Map(records.map((entry) => [entry.id, entry]));
  const found = similarity.saes.flatMap((sae, place) => {
    const entry = known.get(sae.record);
    return entry === undefined ? [] : [{ place, sae, label: saeLabel(entry, records) }];
  });
  const drawn = found.slice(0, MOST);
  const pairs = new Map(similarity.pairs.map((each) => [`${each.of} ${each.among}`, each]));
  const at = (row: number, column: number): SimilarityPair | undefined =>
    pairs.get(`${drawn[row]!.place} ${drawn[column]!.place}`);
  if (drawn.length < 2) return null;
  const matrix = <T>(read: (pair: SimilarityPair | undefined) => T): T[][] =>
    drawn.map((_, row) => drawn.map((_, column) => read(at(row, column))));
  const measured = (pair: SimilarityPair | undefined) => (pair && 'values' in pair ? pair : null);
  if (matrix(measured).every((line) => line.every((each) => each === null))) return null;
  const labels = drawn.map(({ label }) => label);
  const counts = drawn.map(({ sae }) => sae.compared);
  const layers = drawn.map(({ sae }) => sae.layer);
  return {
    charts: similarityIds.map((id) => {
      const { title: name, digits } = similarityDefinitions[id];
      const values = matrix((pair) => measured(pair)?.values[id] ?? null);
      return {
        definition: id,
        spec: {
          id: `${prefix}-${definitionAnchor(id)}`,
          heading: name,
          title: `${name}, ${title}`,
          description: descriptionOf(labels, values, digits),
          rowName: 'latents of',
          columnName: 'among',
          labels: { rows: labels, columns: labels },
          values,
          reasons: matrix((pair) =>
            pair === undefined ? 'not among what was compared' : 'reason' in pair ? pair.reason : null,
          ),
          floors: matrix((pair) => measured(pair)?.floor[id] ?? null),
          digits,
          source: `${id} · latents that fired in ${formatCount(similarity.window_tokens)} tokens · on the diagonal the others of the same SAE`,
        },
      };
    }),
    drawn: drawn.length,
    all: found.length,
    window_tokens: similarity.window_tokens,
    latents: [Math.min(...counts), Math.max(...counts)],
    sameHook: new Set(layers).size < layers.length,
  };
}

/** What is stored of a release's SAEs: runs that evaluated several of them, or SAEs of others beside. */
export function similaritiesOf(
  all: readonly Similarity[],
  { title, records }: Pick<Release, 'title' | 'records'>,
  prefix: string,
): SimilarityView[] {
  return all.flatMap((similarity, i) => {
    const view = similarityView(similarity, records, title, i === 0 ? prefix : `${prefix}-${i}`);
    return view === null ? [] : [view];
  });
}

/** The pairs that are most alike, in words. */
function descriptionOf(
  labels: readonly string[],
  values: readonly (readonly (number | null)[])[],
  digits: number,
): string {
  const pairs = values.flatMap((line, row) =>
    line.flatMap((value, column) => (value === null || row === column ? [] : [{ row, column, value }])),
  );
  const sorted = pairs.toSorted((a, b) => b.value - a.value);
  const words = ({ row, column, value }: (typeof pairs)[number]) =>
    `${labels[row]} among ${labels[column]} ${value.toFixed(digits)}`;
  const [most, least] = [sorted[0], sorted.at(-1)];
  if (most === undefined || least === undefined) return 'All values stand in the table below.';
  return `Most alike: ${words(most)}; least: ${words(least)}. All values stand in the table below.`;
}
