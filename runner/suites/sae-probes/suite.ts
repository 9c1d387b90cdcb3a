/** The probes of sae-probes (Kantamneni et al. 2025) over its binary tasks, at the last token of each text. */
import { z } from 'zod';
import { type DenseFeatures, type Features, rowsFrom } from '../../probes/features.ts';
import type { Part } from '../../report/schema.ts';
import { saeProbes as declaration } from '../../report/suites/sae-probes.ts';
import { type DataReference, dataReference, fileIn } from '../../text/data-reference.ts';
import { probeDeclaration } from '../../text/probe-declaration.ts';
import { latentCounts } from '../latent-counts.ts';
import { probingCurves } from '../probing-curves.ts';
import { perHook } from '../sets.ts';
import { defineSuite, type ProbeText, type SuiteContext } from '../suite.ts';
import {
  planTask,
  QUALITIES,
  qualities,
  qualityOf,
  sparseScores,
  type TaskPlan,
  wholeScores,
} from './score.ts';
import { MOST_ROWS, taskRows } from './split.ts';
import { type SaeProbesTask, saeProbesTasks } from './tasks.ts';

const names = saeProbesTasks.map(({ name }) => name);

export const saeProbes = defineSuite({
  declaration,
  settings: {
    own: {
      data: dataReference
        .nullable()
        .default(null)
        .describe(
          'folder or hub data set with the files of sae-probes, as in its cleaned_data: NAME.csv.zst',
        ),
      tasks: z
        .array(z.enum(names))
        .min(1)
        .max(names.length)
        .default(names)
        .describe('tasks by file name, such as 119_us_state_TX; all 113 by default'),
      ks: latentCounts([1, 2, 5], 'numbers of latents that a probe may read'),
      penalty: z
        .enum(['l1', 'l2'])
        .default('l1')
        .describe('l1 or l2 penalty of the probes on latents; the probe on the whole residual always has l2'),
      tokens: z
        .int()
        .min(2)
        .max(2 ** 20)
        .default(1_024)
        .describe('tokens of a text, the last ones'),
    },
  },
  check: ({ data }) =>
    data === null
      ? [
          {
            path: ['suites', 'sae-probes', 'data'],
            message:
              'expected a folder or hub data set with the CSV files of sae-probes: cleaned_data of its Python package or repository',
          },
        ]
      : [],
  reads: ({ tasks, tokens }) => [
    {
      name: 'sae-probes',
      rows: declared(tasks).reduce((sum, { rows }) => sum + Math.min(rows, MOST_ROWS), 0),
      rowTokens: tokens,
      keeps: 'token',
    },
  ],
  async begin(context, { data, tasks, ks, penalty, tokens }) {
    const { read, pooled } = await readTasks(context, given(data), declared(tasks), tokens);
    const references = read.map(({ plan, first, reference }) =>
      perHook(
        context,
        [ks, penalty, plan.name, reference, plan.labels],
        (hook) => ({ ...pooled.at(hook), residual: residualOf(pooled.at(hook).residual!, plan, first) }),
        (residual) => ({
          channels: sparseScores(plan, residual, ks, penalty),
          whole: wholeScores(plan, residual),
        }),
      ),
    );
    return {
      async score({ hook, index }): Promise<{ part: Part }> {
        const probed = [];
        for (const [task, { plan, first }] of read.entries()) {
          const features = rowsFrom(pooled.at(hook).latents[index]!, first, plan.labels.length);
          const scores = sparseScores(plan, features, ks, penalty);
          const latents = qualities(plan, scores, ks, features.columns);
          const { channels, whole } = await references[task]!(hook);
          const residual = qualities(plan, channels, ks, context.hooks[hook]!.d);
          probed.push({ name: plan.name, latents, residual, ceiling: qualityOf(plan, whole) });
        }
        return {
          part: {
            curves: probingCurves(QUALITIES, probed, ks),
            tables: {
              data_sets: read.map(({ plan, classes, source, duplicates }) => ({
                name: plan.name,
                note: source,
                cells: {
                  classes: [...classes],
                  train_rows: plan.train.length,
                  test_rows: plan.test.length,
                  duplicates,
                },
              })),
            },
          },
        };
      },
    };
  },
});

function declared(tasks: readonly string[]): SaeProbesTask[] {
  return saeProbesTasks.filter(({ name }) => tasks.includes(name));
}

/** A run without it does not begin: see `check`. */
function given(data: DataReference | null): DataReference {
  if (data === null) throw new RangeError('sae-probes without a data set');
  return data;
}

interface ReadTask {
  plan: TaskPlan;
  classes: readonly string[];
  source: string;
  reference: string;
  /** Its first row among those of all tasks. */
  first: number;
  duplicates: number;
}

/** The rows that train and test of every task, and what the model says at the last token of each. */
async function readTasks(
  context: SuiteContext,
  data: DataReference,
  tasks: readonly SaeProbesTask[],
  limit: number,
) {
  const texts: ProbeText[] = [];
  const read: ReadTask[] = [];
  for (const { name, classes } of tasks) {
    const reference = fileIn(data, `${name}.csv.zst`);
    const declaration = probeDeclaration.parse({
      name,
      files: [{ data: reference, split: 'both' }],
      text: 'prompt',
      label: 'target',
      classes: classes.map((value) => ({ value, name: value })),
    });
    const set = await context.probeSet(declaration, { kind: 'first', rows: MOST_ROWS });
    if (set.removed.unused > 0) {
      context.exclude(name, `${set.removed.unused} rows without text, or of another target`);
    }
    const { train, test } = taskRows(
      set.train.map(({ label }) => label),
      name,
    );
    const rows = [...train, ...test].map((row) => set.train[row]!);
    const encoded = await context.tokenizer.encodeAll(
      rows.map(({ text }) => text),
      limit,
      'end',
    );
    const labels = Uint8Array.from(rows, ({ label }) => label);
    const seen = new Set(rows.slice(0, train.length).map(({ text }) => text.trim()));
    read.push({
      plan: planTask(name, labels, train.length, context.draws),
      classes,
      source: set.data,
      reference,
      first: texts.length,
      duplicates: rows.slice(train.length).filter(({ text }) => seen.has(text.trim())).length,
    });
    for (const ids of encoded) texts.push({ ids });
  }
  return { read, pooled: context.tokenOf(texts, ({ ids }) => ids.length - 1) };
}

function residualOf(residual: Features, plan: TaskPlan, first: number): DenseFeatures {
  return rowsFrom(residual, first, plan.labels.length) as DenseFeatures;
}
