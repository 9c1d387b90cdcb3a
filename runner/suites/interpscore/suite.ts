/** InterpScore v0.0.1: dense probes and their perturbation, and the composite over what every run measures. */
import { z } from 'zod';
import { sha256 } from '../../io/hash.ts';
import { random, shuffle } from '../../math/random.ts';
import { resampleRows } from '../../metrics/bootstrap.ts';
import { constant, type Statistic } from '../../metrics/statistic.ts';
import { type Features, rowsFrom } from '../../probes/features.ts';
import { type ComponentName, interpScore as declaration } from '../../report/suites/interpscore.ts';
import { perUntrained } from '../sets.ts';
import {
  type ControlledValue,
  defineSuite,
  type PooledTexts,
  type ScoredSae,
  type SuiteContext,
} from '../suite.ts';
import { heaviest } from '../uses.ts';
import { interpScoreSuite } from './composite.ts';
import { DENSE_PROBING, denseProbingSuite } from './dense-probing.ts';
import type { ProbeOptions, ProbeTask } from './probe-task.ts';
import { TPP, tppSuite } from './tpp.ts';

const LOSS_RECOVERED = 'loss_recovered@interpscore-0.0.1';

export const interpScore = defineSuite({
  declaration,
  byDefault: true,
  controlled: true,
  settings: {
    evaluation: {
      splitSeeds: z
        .int()
        .nonnegative()
        .max(1_000)
        .default(0)
        .describe(
          'further splits of the texts that InterpScore’s probes are fitted under, for the spread of their AUROC; each costs a fit per task',
        ),
    },
  },
  reads: (_settings, { tasks }) => [
    { name: 'tasks', rows: tasks.count * tasks.texts, rowTokens: tasks.tokens, keeps: 'pooled' },
  ],
  async begin(context, { splitSeeds }) {
    const asked = await context.tasks();
    const { resamples, seed } = context.draws;
    const options = { resamples, resampleSeed: seed };
    const tasksOf = (features: Features): ProbeTask[] => {
      let first = 0;
      return asked.tasks.map(({ name, data, labels, texts }) => {
        const part = rowsFrom(features, first, texts.length);
        first += texts.length;
        return { task: name, data, features: part, labels, texts };
      });
    };
    const pooledAt = (hook: number): PooledTexts => asked.pooled.at(hook);
    const references = referenceProbes(context, tasksOf, pooledAt, options);
    const texts = asked.tasks.map(({ name, labels, texts }) => [name, [...labels], sha256(texts.join('\0'))]);
    const untrained = perUntrained(context, ['untrained', texts], pooledAt, ({ latents }) => {
      const tasks = tasksOf(latents);
      return {
        [DENSE_PROBING]: denseProbingSuite(tasks, options).statistics[DENSE_PROBING],
        [TPP]: tppSuite(tasks[0]!, options).statistics[TPP],
      };
    });
    return {
      pairing: texts,
      score(sae) {
        const tasks = tasksOf(asked.pooled.at(sae.hook).latents[sae.index]!);
        const probing = denseProbingSuite(tasks, { ...options, splitSeeds });
        const tpp = tppSuite(tasks[0]!, options);
        const composite = interpScoreSuite({
          loss_recovered: sae.base.statistics[LOSS_RECOVERED]!,
          alive: sae.base.statistics['alive@v1']!,
          l0: sae.base.statistics['l0@v1']!,
          sparse_probing: probing.statistics[DENSE_PROBING],
          tpp: tpp.statistics[TPP],
          window_tokens: sae.base.tokens,
          notes: {
            ...noteOf('loss_recovered', sae.base.measures[LOSS_RECOVERED]),
            ...noteOf('tpp', tpp.metrics[TPP]),
          },
        });
        return {
          part: {
            ...composite.part,
            tables: { probes: probing.probes, perturbation: [tpp.perturbation] },
          },
          uses: probing.details.map(({ fit }, i) => heaviest(tasks[i]!.task, fit.weights)),
          statistics: { ...probing.statistics, ...tpp.statistics, ...composite.statistics },
        };
      },
      async controlled({ hook, index }, { statistics = {} }) {
        const { shuffled, residual, chance } = await references(hook);
        const floors = await untrained(hook, index);
        const ofUntrained = (id: typeof DENSE_PROBING | typeof TPP): ControlledValue['controls'] =>
          floors === null ? [] : [{ control: 'untrained', statistic: floors[id], shown: true }];
        return [
          {
            id: DENSE_PROBING,
            value: statistics[DENSE_PROBING]!,
            controls: [
              ...ofUntrained(DENSE_PROBING),
              { control: 'shuffled_labels', statistic: shuffled, shown: true },
              { control: 'residual_probe', statistic: residual, shown: true },
              { control: 'chance', statistic: chance, shown: false },
            ],
            ends: { floor: 'chance', ceiling: 'residual_probe' },
          },
          { id: TPP, value: statistics[TPP]!, controls: ofUntrained(TPP) },
        ];
      },
    };
  },
});

/** Probes of the residual, once for each hook: the ceiling of the SAEs' own, and one on shuffled labels, which knows nothing. */
function referenceProbes(
  context: SuiteContext,
  tasksOf: (features: Features) => ProbeTask[],
  pooledAt: (hook: number) => PooledTexts,
  options: { resamples: number; resampleSeed: number },
): (hook: number) => Promise<{ shuffled: Statistic; residual: Statistic; chance: Statistic }> {
  const { resamples, seed } = context.draws;
  const known = new Map<number, Promise<{ shuffled: Statistic; residual: Statistic }>>();
  return async (hook) => {
    const tasks = tasksOf(pooledAt(hook).residual!);
    const found =
      known.get(hook) ??
      context.remember(
        tasks.map(({ task, features, labels }) => [task, features, Array.from(labels)]),
        () => ({
          shuffled: shuffledLabels(tasks, options, seed),
          residual: denseProbingSuite(tasks, options).statistics[DENSE_PROBING],
        }),
      );
    known.set(hook, found);
    return {
      ...(await found),
      chance: constant(0.5, resampleRows(2, { count: resamples, seed: `chance ${seed}` })),
    };
  };
}

/** The dense probe with the labels of every task in another order: it must score chance. */
export function shuffledLabels(tasks: readonly ProbeTask[], options: ProbeOptions, seed: number): Statistic {
  const shuffled = tasks.map((task) => ({
    ...task,
    labels: shuffle(Array.from(task.labels), random('shuffled labels', seed, task.task)),
  }));
  return denseProbingSuite(shuffled, { ...options, resampleSeed: `shuffled ${seed}` }).statistics[
    DENSE_PROBING
  ];
}

/** The remark a component carries in the composite is the one its own measure has, such as what was clipped. */
function noteOf(
  name: ComponentName,
  measure: ScoredSae['base']['measures'][string] | undefined,
): Partial<Record<ComponentName, string>> {
  return measure !== undefined && measure.value !== null && measure.note !== undefined
    ? { [name]: measure.note }
    : {};
}
