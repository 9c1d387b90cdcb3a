/** SAEBench's targeted probe perturbation over the run's sets of several classes. */
import { tpp as declaration } from '../../report/suites/tpp.ts';
import { nValues } from '../ablation.ts';
import { perHook, plannedSets, readsSets } from '../sets.ts';
import { defineSuite } from '../suite.ts';
import { conceptProbes, tppOfSet, tppSaeBenchSuite } from './tpp-saebench.ts';

export const tpp = defineSuite({
  declaration,
  byDefault: true,
  settings: { evaluation: { nValues } },
  reads: readsSets,
  async begin(context, { nValues: ns }) {
    const sets = await plannedSets(context);
    if (sets === null) return null;
    const { probeSeed } = context;
    const probes = sets.map(({ plan, pooled }) =>
      perHook(
        context,
        plan.set,
        (hook) => pooled.at(hook),
        (residual) => conceptProbes(plan, residual, probeSeed),
      ),
    );
    return {
      async score({ hook, index, directions }) {
        const results = [];
        for (const [i, { plan, pooled }] of sets.entries()) {
          const { latents, residual } = pooled.at(hook);
          const features = { latents: latents[index]!, residual: residual! };
          const own = await probes[i]!(hook);
          results.push({ plan, result: tppOfSet(plan, features, own, await directions(), ns) });
        }
        return { part: tppSaeBenchSuite(results) };
      },
    };
  },
});
