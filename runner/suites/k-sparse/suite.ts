/** k-sparse probing over the run's sets of several classes. */
import { kSparse as declaration } from '../../report/suites/k-sparse.ts';
import { latentCounts } from '../latent-counts.ts';
import { perHook, perUntrained, plannedSets, readsSets } from '../sets.ts';
import { defineSuite, type ScoredSae, type SuiteContext, type SuiteResult } from '../suite.ts';
import { fullProbe, K_VALUES, kSparseProbes, kSparseSuite, kSparseUses } from './k-sparse.ts';

export const kSparse = defineSuite({
  declaration,
  byDefault: true,
  controlled: true,
  settings: {
    evaluation: {
      kValues: latentCounts(K_VALUES, 'latents of a k-sparse probe'),
    },
  },
  reads: readsSets,
  begin: probing,
});

/** Begins the suite. A score asks only where its SAE stands, so that single layers of a cross-layer transcoder have one too. Null without sets. */
export async function probing(
  context: SuiteContext,
  { kValues: ks }: { kValues: readonly number[] },
): Promise<{ score(sae: Pick<ScoredSae, 'hook' | 'index'>): Promise<SuiteResult> } | null> {
  const sets = await plannedSets(context);
  if (sets === null) return null;
  const references = sets.map(({ plan, pooled }) =>
    perHook(
      context,
      [ks, plan.set],
      (hook) => pooled.at(hook),
      (residual) => ({ residual: kSparseProbes(plan, residual, ks), ceiling: fullProbe(plan, residual) }),
    ),
  );
  const controls = sets.map(({ plan, pooled }) =>
    perUntrained(
      context,
      ['untrained', ks, plan.set],
      (hook) => pooled.at(hook),
      ({ latents }) => kSparseProbes(plan, latents, ks),
    ),
  );
  return {
    async score({ hook, index }) {
      const inputs = [];
      for (const [i, { plan, pooled }] of sets.entries()) {
        const latents = kSparseProbes(plan, pooled.at(hook).latents[index]!, ks);
        const untrained = await controls[i]!(hook, index);
        inputs.push({ plan, latents, untrained, ...(await references[i]!(hook)) });
      }
      const uses = sets.flatMap(({ plan, pooled }) => kSparseUses(plan, pooled.at(hook).latents[index]!));
      return { part: kSparseSuite(inputs, ks), uses };
    },
  };
}
