/** What is computed from resamples and random weights, when a view asks for it. */
import { modelSlug, textAt } from '../lib/columns.ts';
import { composites, type Weights } from './composite.ts';
import { firstByWeights as firstByWeightsId } from './fields.ts';
import type { Resampled } from './stability.ts';
import type { Store } from './store.ts';
import type { Extras, View } from './view.ts';

type Found = Pick<Extras, 'resampled' | 'firstByWeights'>;

export interface Resamples {
  /** What is known for these weights. */
  found(weights: Weights): Found;
  /**
   * Computes what the view lacks; once a model's resamples are here, for any weights.
   *
   * @returns whether what `found` gives is another now, and in words what could not be fetched
   */
  fill(view: View, draws: boolean): Promise<{ changed: boolean; failures: string[] }>;
}

export function resamplesOf(store: Store): Resamples {
  const { columns } = store;
  let firstByWeights: readonly (number | null)[] | null = null;
  let last: { weights: string; files: number; resampled: Resampled } | null = null;

  return {
    found: (weights) => ({
      resampled: last !== null && last.weights === weights.join() ? last.resampled : null,
      firstByWeights,
    }),
    async fill({ state, rows }, draws) {
      const wantsWeights = [...state.columns, state.sort, state.x, state.y].includes(firstByWeightsId);
      const models = draws
        ? [
            ...new Set(
              rows
                .filter((row) => columns.rank.group[row] != null)
                .map((row) => textAt(columns, 'model', row)!),
            ),
          ]
        : [];
      const withDraws = models.filter((model) => columns.draws.includes(modelSlug(model)));
      const failures = await store.loadDraws(withDraws);
      const files = [...store.draws.values()];
      // Where a view asks and no record has resamples, that is an answer too, and not a wait; a failed fetch is none.
      const nobody = draws && withDraws.length === 0;
      const stale =
        (nobody || files.length > 0) &&
        (last?.weights !== state.weights.join() || last.files !== files.length);
      const unanswered = !stale && files.length === 0 && failures.length > 0 && last !== null;
      if (unanswered) last = null;
      const missing = wantsWeights && firstByWeights === null;
      if (!stale && !missing) return { changed: unanswered, failures };
      const stability = await import('./stability.ts');
      if (missing) firstByWeights = stability.firstByWeights(columns);
      if (stale) {
        const drawn = stability.drawnComposites(files, state.weights);
        const resampled = stability.resampled(columns, composites(columns, state.weights), drawn);
        last = { weights: state.weights.join(), files: files.length, resampled };
      }
      return { changed: true, failures };
    },
  };
}
