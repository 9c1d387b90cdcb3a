/** A suite of one's own: how well the one latent that differs most between two classes tells them apart by itself. */
import type { SuiteFile } from 'interpboard';

const AUC = 'single_latent_auc@v1';

const suite: SuiteFile = ({ z, auroc, largest, meanDifference, meanOf, resampleWithinClasses, ...kit }) => ({
  id: 'single-latent',
  title: 'Single latents',
  about:
    'For each probing task the latent of largest mean difference, chosen on half of the texts and tried on the others.',
  definitions: {
    [AUC]: {
      metric: 'single_latent_auc',
      title: 'AUROC of the best single latent',
      short: 'one latent',
      formula:
        'mean over tasks of the test AUROC of z_j, j = argmax |mean⁺_j − mean⁻_j| on the training texts',
      note: 'The sign of the difference says which way the latent counts.',
      unit: '',
      direction: 'higher',
      digits: 3,
      range: [0, 1],
    },
  },
  views: [
    { kind: 'measures', title: 'Over all tasks', ids: [AUC] },
    {
      kind: 'table',
      key: 'tasks',
      title: 'Tasks',
      row: 'Task',
      columns: [
        { key: 'auc', label: 'AUROC', definition: AUC, compared: true },
        { key: 'latent', label: 'Latent' },
      ],
    },
  ],
  settings: {
    texts: z.int().min(20).max(10_000).default(200).describe('texts of each task, the first ones'),
  },
  // The texts of the run's probing tasks, which InterpScore reads too: they are read once.
  reads: (_settings, { tasks }) => [
    { name: 'tasks', rows: tasks.count * tasks.texts, rowTokens: tasks.tokens, keeps: 'pooled' },
  ],
  async begin(context, { texts: wanted }) {
    const { tasks, pooled } = await context.tasks();
    return {
      // What is drawn again: records of the same texts are then compared by their paired differences.
      pairing: tasks.map(({ name, labels, texts }) => [name, [...labels], texts]),
      score({ hook, index }) {
        let first = 0;
        const scored = tasks.map(({ name, labels: all }) => {
          const count = Math.min(Number(wanted), all.length);
          const features = kit.rowsFrom(pooled.at(hook).latents[index]!, first, count);
          first += all.length;
          const { train, test } = kit.splitRows(count, { limit: count, trainShare: 0.5 });
          const difference = meanDifference(
            features,
            train,
            Array.from(train, (row) => all[row]!),
          );
          const [latent = 0] = largest(difference.map(Math.abs), 1);
          const read = kit.rowReader(features);
          const scores = Float64Array.from(test, (row) => {
            const { indices, values } = read(row);
            return Math.sign(difference[latent]!) * (values[indices.indexOf(latent)] ?? 0);
          });
          const labels = Uint8Array.from(test, (row) => all[row]!);
          const { resamples, seed } = context.draws;
          const resampled = resampleWithinClasses(labels, { count: resamples, seed: `${seed}:${name}` });
          return { name, latent, auc: auroc(scores, labels, resampled, name) };
        });
        const mean = meanOf(scored.map(({ auc }) => auc));
        return {
          statistics: { [AUC]: mean },
          part: {
            measures: { [AUC]: kit.toMeasure(mean, {}, [0, 1]) },
            tables: {
              tasks: scored.map(({ name, latent, auc }) => ({
                name,
                cells: { latent, auc: kit.toMeasure(auc, {}, [0, 1]) },
              })),
            },
          },
        };
      },
    };
  },
});

export default suite;
