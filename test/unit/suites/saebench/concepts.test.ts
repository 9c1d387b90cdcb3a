import { describe, expect, it } from 'vitest';
import { cpythonRandom } from '../../../../runner/math/cpython-random.ts';
import type { Statistic } from '../../../../runner/metrics/statistic.ts';
import { type LinearProbe, trainLinearProbe } from '../../../../runner/probes/linear-probe.ts';
import { largest, meanDifference } from '../../../../runner/probes/mean-difference.ts';
import {
  ablatedScores,
  alignments,
  effects,
  probeScores,
  strongest,
} from '../../../../runner/suites/ablation.ts';
import { fullProbe, kSparseProbes } from '../../../../runner/suites/k-sparse/k-sparse.ts';
import { planScr, scrOfPair } from '../../../../runner/suites/scr/scr.ts';
import { conceptProbes, tppOfSet } from '../../../../runner/suites/tpp/tpp-saebench.ts';
import { drawn, golden, planInOrder, pooled, rowOf, set, TEXTS } from './drawn.ts';
import { parityTable } from './parity.ts';

const { compared, check } = parityTable('concepts');

const made = drawn();
const features = pooled(made);
const plan = planInOrder();
const directions = { rows: made.sae.W_dec };
const { ks, ns, classes, train } = golden;

type ByClass<T> = Record<string, T>;
const ofClasses = <T>(table: ByClass<T>): T[] => classes.map((name) => table[name]!);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const numberOf = (statistic: Statistic): number => {
  if (statistic.value === null) throw new Error(statistic.reason);
  return statistic.value;
};
const probeOf = ({ weights, intercept }: { weights: number[]; intercept: number }): LinearProbe => ({
  weights: Float64Array.from(weights),
  intercept,
});

describe('against SAEBench’s own functions', () => {
  it('pools latents and residuals alike', () => {
    const first = <T extends { values: Float32Array; columns: number }>({ values, columns }: T) =>
      Array.from(values.subarray(0, columns));
    compared('token means of z and x', 'get_sae_meaned_activations, create_meaned_model_activations', 1e-4, [
      [first(features.latents), golden.pooled.latents],
      [first(features.residual), golden.pooled.residual],
    ]);
  });

  it.each(['latents', 'residual'] as const)('chooses the same k %s and fits the same probes', (kind) => {
    const table = golden.k_sparse[kind] as ByClass<{
      accuracy: ByClass<number>;
      auroc: ByClass<number>;
      chosen: ByClass<number[]>;
    }>;
    const found = kSparseProbes(plan, features[kind], ks);
    for (const k of ks) {
      const expected = table[k]!;
      for (const [i, task] of plan.tasks.entries()) {
        const difference = meanDifference(features[kind], task.train, task.trainLabels).map(Math.abs);
        expect(Array.from(largest(difference, k)).sort((a, b) => a - b)).toEqual(
          expected.chosen[classes[i]!],
        );
      }
    }
    const what = kind === 'latents' ? 'k latents' : 'k residual channels';
    const of = (measure: 'accuracy' | 'auroc'): [number[], number[]] => [
      ks.map((k) => numberOf(found.get(k)![measure])),
      ks.map((k) => mean(ofClasses(table[k]![measure]))),
    ];
    compared(`probe_acc_k@saebench, ${what}`, 'train_probe_on_activations (select_top_k)', 1e-4, [
      of('accuracy'),
    ]);
    compared(`probe_auc_k@saebench, ${what}`, 'the same probes through roc_auc_score', 1e-4, [of('auroc')]);
  });

  it('reaches the same ceiling', () => {
    const found = fullProbe(plan, features.residual);
    const { accuracy, auroc } = golden.k_sparse.residual.all;
    const original = 'train_probe_on_activations (select_top_k None)';
    compared('full residual probe, accuracy', original, 1e-4, [
      [[numberOf(found.accuracy)], [mean(ofClasses(accuracy))]],
    ]);
    // Its scikit-learn works in float32 and stops early: one pair of 48 × 48 stands the other way round.
    compared('full residual probe, AUROC', 'the same probe through roc_auc_score', 5e-4, [
      [[numberOf(found.auroc)], [mean(ofClasses(auroc))]],
    ]);
    compared('full residual probe, accuracy', 'train_probe_gpu, three seeds, stopped early', 0.06, [
      [[numberOf(found.accuracy)], [mean(golden.seeded.ceiling)]],
    ]);
  });

  it('trains the same linear probes from the same start in the same order', () => {
    const pairs = plan.tasks.map((task, i): [number[], number[]] => {
      const start = golden.tpp.starts[classes[i] as keyof typeof golden.tpp.starts];
      const found = trainLinearProbe(features.residual, task.train, task.trainLabels, {
        weights: Float64Array.from(start.slice(0, -1)),
        intercept: start.at(-1)!,
        order: (epoch) => cpythonRandom(epoch).shuffle(Array.from(task.train, (_, row) => row)),
      });
      const expected = golden.tpp.probes[classes[i] as keyof typeof golden.tpp.probes];
      return [
        [...found.weights, found.intercept],
        [...expected.weights, expected.intercept],
      ];
    });
    compared('weights of the probes of TPP and SCR', 'train_probe_gpu (20 epochs of AdamW)', 1e-4, pairs);
  });

  const probes = classes.map((name) => probeOf(golden.tpp.probes[name as keyof typeof golden.tpp.probes]));

  it('attributes the same effects', () => {
    const pairs = plan.tasks.map((task, i): [number[], number[]] => [
      Array.from(
        effects(
          features.latents,
          task.train,
          task.trainLabels,
          alignments(probes[i]!, directions.rows),
          'positive',
        ),
      ),
      golden.tpp.effects[task.name as keyof typeof golden.tpp.effects],
    ]);
    compared('effects of the latents', 'get_all_node_effects_for_one_sae', 1e-4, pairs);
  });

  /** Probe scores of a class's test texts with its strongest latents zeroed. */
  function scoresWithout(name: string, n: number, from: typeof features): number[] {
    const i = classes.indexOf(name);
    const task = plan.tasks[i]!;
    const aligned = alignments(probes[i]!, directions.rows);
    const [ablated] = strongest(effects(from.latents, task.train, task.trainLabels, aligned, 'positive'), [
      n,
    ]);
    const rows = task.test.subarray(0, golden.test);
    const scores = probeScores(probes[i]!, from.residual, rows);
    return Array.from(ablatedScores(scores, from.latents, rows, aligned, [ablated!])[0]!);
  }

  it('ablates alike, and gives the same TPP with the same probes', () => {
    compared('probe scores with 5 latents ablated', 'ablated_precomputed_activations', 1e-4, [
      [scoresWithout(classes[0]!, 5, features), golden.tpp.scores],
    ]);
    const found = tppOfSet(plan, features, probes, directions, ns);
    const overall = golden.tpp.overall as ByClass<number>;
    const of = (part: 'value' | 'intended' | 'unintended', key: string): [number[], number[]] => [
      found.points.map((point) => numberOf(point[part])),
      ns.map((n) => overall[`tpp_threshold_${n}_${key}`]!),
    ];
    compared('tpp@saebench-N, given SAEBench’s probes', 'create_tpp_plotting_dict', 1e-4, [
      of('value', 'total_metric'),
      of('intended', 'intended_diff_only'),
      of('unintended', 'unintended_diff_only'),
    ]);
    compared('accuracy of the probes', 'get_probe_test_accuracy', 1e-4, [
      [[numberOf(found.accuracy)], [mean(ofClasses(golden.tpp.clean))]],
    ]);
  });

  it('leaves padding out, which SAEBench decodes', () => {
    const { tokens, padding } = golden;
    // The maker pads every second text of either part; both parts begin at an even text.
    const padded = pooled(made, (text) => (text % 2 === 0 ? tokens - padding : tokens));
    const { shown, scores, masked, original } = golden.padded;
    const ours = scoresWithout(shown, 20, padded);
    compared(
      'probe scores of padded texts, latents of padding masked',
      'ablated_precomputed_activations',
      1e-4,
      [[ours, scores.masked]],
    );
    const away = Math.max(...ours.map((value, i) => Math.abs(value - scores.original[i]!)));
    expect(away).toBeGreaterThan(0.01);
    const found = tppOfSet(plan, padded, probes, directions, ns).points.map(({ value }) => numberOf(value));
    const at = (table: Record<string, number>): number[] =>
      ns.map((n) => table[`tpp_threshold_${n}_total_metric`]!);
    compared('tpp@saebench-N of padded texts, masked', 'create_tpp_plotting_dict', 1e-4, [
      [found, at(masked)],
    ]);
    compared(
      'tpp@saebench-N of padded texts as SAEBench scores them (it decodes padding)',
      'create_tpp_plotting_dict',
      0.01,
      [[found, at(original)]],
    );
  });

  it('gives the same SCR with the same probes, in both directions', () => {
    const { quarter, results, clean } = golden.scr;
    const part = (start: number, size: number): Int32Array =>
      Int32Array.from(
        [0, 1, 2, 3].flatMap((label) =>
          Array.from({ length: label === 0 || label === 3 ? 2 * size : size }, (_, i) =>
            rowOf(label, start + i),
          ),
        ),
      );
    const crossed = {
      ...set,
      classes: ['without', 'with'],
      labels: Uint8Array.from({ length: 4 * TEXTS }, (_, row) => (row < 2 * TEXTS ? 1 : 0)),
      attribute: {
        name: 'attribute',
        values: ['without', 'with'],
        labels: Uint8Array.from({ length: 4 * TEXTS }, (_, row) => 1 - (Math.floor(row / TEXTS) % 2)),
      },
      train: part(0, quarter.train),
      test: part(train, quarter.test),
    };
    const pair = planScr(crossed, 1, 0, { resamples: 200 });
    const { probes: theirs } = golden.scr;
    const found = scrOfPair(
      pair,
      features,
      {
        concepts: [probeOf(theirs['professor / nurse']), probeOf(theirs['male / female'])],
        biased: probeOf(theirs['male_professor / female_nurse']),
      },
      directions,
      ns,
    );
    const [first, second] = found.directions;
    const table = results as Record<string, number>;
    const at = (key: string): number[] => ns.map((n) => table[`${key}_threshold_${n}`]!);
    const values = (of: typeof first): number[] => of.points.map(({ value }) => numberOf(value));
    compared('scr@saebench-N, given SAEBench’s probes', 'get_scr_plotting_dict', 1e-4, [
      [values(first), at('scr_dir1')],
      [values(second), at('scr_dir2')],
      [values(found.counted!), at('scr_metric')],
    ]);
    compared('accuracies behind SCR', 'get_probe_test_accuracy', 1e-4, [
      [
        [first.clean, first.biased, second.clean, second.biased].map(numberOf),
        [
          clean['professor / nurse'],
          clean['male_professor / female_nurse probe on professor / nurse data'],
          clean['male / female'],
          clean['male_professor / female_nurse probe on male / female data'],
        ],
      ],
    ]);
  });

  it('lies within the spread of SAEBench’s own seeds with probes of its own', () => {
    const ours = [0, 1, 2].map((seed) => {
      const own = conceptProbes(plan, features.residual, seed);
      return tppOfSet(plan, features, own, directions, ns);
    });
    const average = (runs: readonly (readonly number[])[]): number[] =>
      ns.map((_, at) => mean(runs.map((run) => run[at]!)));
    compared('tpp@saebench-N, own probes, mean of three seeds', 'the whole, three seeds', 0.06, [
      [
        average(ours.map(({ points }) => points.map(({ value }) => numberOf(value)))),
        average(golden.seeded.tpp),
      ],
    ]);
    compared('accuracy of own probes, mean of three seeds', 'the whole, three seeds', 0.06, [
      [[mean(ours.map(({ accuracy }) => numberOf(accuracy)))], [mean(golden.seeded.accuracy)]],
    ]);
  });
});

it('is the table of the fixtures’ README', () => check());
