/** k-sparse probing over the run's sets of several classes. */
import { z } from 'zod';
import { kSparse as declaration } from '../../report/suites/k-sparse.ts';
import { perHook, plannedSets, readsSets } from '../sets.ts';
import { defineSuite } from '../suite.ts';
import { fullProbe, K_VALUES, kSparseProbes, kSparseSuite } from './k-sparse.ts';

export const kSparse = defineSuite({
  declaration,
  byDefault: true,
  settings: {
    evaluation: {
      kValues: z
        .array(
          z
            .int()
            .positive()
            .max(2 ** 50),
        )
        .min(1)
        .max(20)
        .default([...K_VALUES])
        .describe('latents of a k-sparse probe'),
    },
  },
  reads: readsSets,
  async begin(context, { kValues: ks }) {
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
    return {
      async score({ hook, index }) {
        const inputs = [];
        for (const [i, { plan, pooled }] of sets.entries()) {
          const latents = kSparseProbes(plan, pooled.at(hook).latents[index]!, ks);
          inputs.push({ plan, latents, ...(await references[i]!(hook)) });
        }
        return { part: kSparseSuite(inputs, ks) };
      },
    };
  },
});
