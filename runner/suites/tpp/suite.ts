/** SAEBench's targeted probe perturbation over the run's sets of several classes. */
import { tpp as declaration } from '../../report/suites/tpp.ts';
import { nValues } from '../ablation.ts';
import { perHook, perUntrained, plannedSets, readsSets } from '../sets.ts';
import { defineSuite } from '../suite.ts';
import { conceptProbes, tppOfSet, tppSaeBenchSuite } from './tpp-saebench.ts';

export const tpp = defineSuite({
  declaration,
  byDefault: true,
  controlled: true,
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
    const controls = sets.map(({ plan, pooled }, i) =>
      perUntrained(
        context,
        ['untrained', ns, plan.set],
        (hook) => pooled.at(hook),
        async ({ latents, directions }, hook) => {
          const features = { latents, residual: pooled.at(hook).residual! };
          return tppOfSet(plan, features, await probes[i]!(hook), { rows: directions() }, ns);
        },
      ),
    );
    return {
      async score({ hook, index, directions }) {
        const results = [];
        for (const [i, { plan, pooled }] of sets.entries()) {
          const { latents, residual } = pooled.at(hook);
          const features = { latents: latents[index]!, residual: residual! };
          const own = await probes[i]!(hook);
          const untrained = await controls[i]!(hook, index);
          results.push({ plan, result: tppOfSet(plan, features, own, await directions(), ns), untrained });
        }
        return { part: tppSaeBenchSuite(results), uses: results.flatMap(({ result }) => result.uses) };
      },
    };
  },
});
