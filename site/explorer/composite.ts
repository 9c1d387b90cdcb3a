/** The composite with weights of the reader's own. Pure. */
import type { Columns } from '../lib/columns.ts';

/** Components of InterpScore v0.0.1 in the order of its formula. Its weights are held to the definition by a test. */
export const components = [
  { id: 'loss_recovered@interpscore-0.0.1', label: 'Loss recovered', weight: 30 },
  { id: 'alive@v1', label: 'Alive latents', weight: 15 },
  { id: 'l0_score@interpscore-0.0.1', label: 'L0 score', weight: 15 },
  { id: 'probe_auc_dense@interpscore-0.0.1', label: 'Dense probe', weight: 25 },
  { id: 'tpp@interpscore-0.0.1', label: 'TPP (InterpScore)', weight: 15 },
] as const;

export const publishedScore = 'interpscore@0.0.1';

/** A weight for each component, in per cent of any total; only their proportion matters. */
export type Weights = readonly number[];

export const presets = [
  { id: 'interpscore', label: 'InterpScore v0.0.1', weights: components.map(({ weight }) => weight) },
  { id: 'without-tpp', label: 'Without TPP', weights: [30, 15, 15, 25, 0] },
  { id: 'reconstruction', label: 'Reconstruction alone', weights: [100, 0, 0, 0, 0] },
] as const satisfies readonly { id: string; label: string; weights: Weights }[];

export type PresetId = (typeof presets)[number]['id'];

/** Compared by proportion: 60, 30, 30, 50, 30 is InterpScore too. Null where none fits. */
export function presetOf(weights: Weights): PresetId | null {
  const own = shares(weights);
  const fits = (preset: Weights) => shares(preset).every((share, i) => Math.abs(share - own[i]!) < 1e-9);
  return presets.find((preset) => fits(preset.weights))?.id ?? null;
}

/** Weights that sum to 1; all 0 where nothing is weighed. */
export function shares(weights: Weights): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (total > 0 ? weight / total : 0));
}

/** One row's composite; null where a component that counts is missing, or none counts. */
export function composite(values: readonly (number | null)[], weights: readonly number[]): number | null {
  let [sum, counted] = [0, false];
  for (const [i, weight] of weights.entries()) {
    if (weight === 0) continue;
    const value = values[i];
    if (value === null || value === undefined) return null;
    sum += weight * value;
    counted = true;
  }
  return counted ? sum : null;
}

/** [component][row], an empty column where no row has it. */
export function componentColumns({ metrics, count }: Columns): (readonly (number | null)[])[] {
  return components.map(({ id }) => metrics[id] ?? new Array<null>(count).fill(null));
}

/** The composite of every row. With the published weights it is the published value, where the record has one. */
export function composites(columns: Columns, weights: Weights): (number | null)[] {
  const each = componentColumns(columns);
  const share = shares(weights);
  const published = presetOf(weights) === 'interpscore' ? columns.metrics[publishedScore] : undefined;
  if (published !== undefined) return [...published];
  return Array.from({ length: columns.count }, (_, row) =>
    composite(
      each.map((column) => column[row] ?? null),
      share,
    ),
  );
}
