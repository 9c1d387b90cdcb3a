/** What is computed from resamples and random weights, when a view asks for it. */
import { modelSlug, textAt } from '../lib/columns.ts';
import type { Weights } from './composite.ts';
import { firstByWeights as firstByWeightsId } from './fields.ts';
import type { Judge } from './judge.ts';
import type { Resampled } from './stability.ts';
import type { Store } from './store.ts';
import type { Extras, View } from './view.ts';

type Found = Pick<Extras, 'resampled' | 'firstByWeights'>;

export interface Filled {
  /** Whether what `found` gives is another now. */
  changed: boolean;
  /** In words, what could not be had. */
  failures: string[];
}

export interface Resamples {
  /** What is known for these weights. */
  found(weights: Weights): Found;
  /** Has computed what the view lacks; of views that wait for their turn, the latest alone. */
  fill(view: View, draws: boolean): Promise<Filled>;
}

export function resamplesOf(store: Store, judge: Judge): Resamples {
  const { columns } = store;
  let firstByWeights: readonly (number | null)[] | null = null;
  let last: { weights: string; files: number; resampled: Resampled } | null = null;
  /** What is being computed. */
  let working: Promise<Filled> | null = null;
  let turn = 0;

  const compute = async (weights: Weights, stale: boolean, missing: boolean): Promise<Filled> => {
    const files = [...store.draws.values()];
    try {
      for (const asked of [...(missing ? [null] : []), ...(stale ? [weights] : [])]) {
        const answer = await judge(files, asked);
        if ('firstByWeights' in answer) firstByWeights = answer.firstByWeights;
        else last = { weights: weights.join(), files: files.length, resampled: answer.resampled };
      }
      return { changed: true, failures: [] };
    } catch (reason) {
      return { changed: false, failures: [reason instanceof Error ? reason.message : String(reason)] };
    }
  };

  return {
    found: (weights) => ({
      resampled: last !== null && last.weights === weights.join() ? last.resampled : null,
      firstByWeights,
    }),
    async fill({ state, rows }, draws) {
      const mine = ++turn;
      const wantsWeights = [...state.columns, state.sort, state.x, state.y].includes(firstByWeightsId);
      const ranked = rows.filter((row) => draws && columns.rank.group[row] != null);
      const models = [...new Set(ranked.map((row) => textAt(columns, 'model', row)!))];
      const withDraws = models.filter((model) => columns.draws.includes(modelSlug(model)));
      const failures = await store.loadDraws(withDraws);
      while (working !== null && mine === turn) await working;
      if (mine !== turn) return { changed: false, failures };
      const files = store.draws.size;
      // Where a view asks and no record has resamples, that is an answer too, and not a wait; a failed fetch is none.
      const nobody = draws && withDraws.length === 0;
      const stale = (nobody || files > 0) && (last?.weights !== state.weights.join() || last.files !== files);
      const unanswered = !stale && files === 0 && failures.length > 0 && last !== null;
      if (unanswered) last = null;
      const missing = wantsWeights && firstByWeights === null;
      if (!stale && !missing) return { changed: unanswered, failures };
      working = compute(state.weights, stale, missing);
      const done = await working;
      working = null;
      return { changed: done.changed || unanswered, failures: [...failures, ...done.failures] };
    },
  };
}
