import { expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { dataFileFinder } from '../../../../runner/hub/data-files.ts';
import { pinsOf, pinText } from '../../../../runner/job/shared/pinned-text.ts';
import { withBench } from '../../../hub/open.ts';

test('the embedded text needs no pin, and keeps the configuration as it is', async () => {
  const config = await resolveRun([], {});
  const none = async (): Promise<never> => {
    throw new Error('nothing is asked for');
  };
  expect(await pinText(config, [], none)).toEqual(config);
});

test('names become declarations of a commit, and a run keeps the commit it began with', async () => {
  await withBench(async ({ hub, server }) => {
    const put = (name: string, path: string, text: string): string =>
      server.put(name, { [path]: { text } }, { type: 'dataset' });
    const web = put('HuggingFaceFW/fineweb-edu', 'sample/10BT/000.parquet', 'a');
    put('open-thoughts/OpenThoughts-114k', 'data/train-0.parquet', 'b');
    put('nvidia/OpenMathInstruct-2', 'data/train-0.parquet', 'c');
    put('allenai/c4', 'en/c4-validation.00000-of-00008.json.gz', 'd');
    put('me/probe', 'train.jsonl', 'e');
    const probe = {
      name: 'mine',
      files: [{ data: 'datasets/me/probe:train.jsonl', split: 'train' }],
      classes: [0, 1].map((value) => ({ value, name: `class ${value}` })),
    };
    const config = await resolveRun([], {
      set: [
        'corpus.source=reference',
        'corpus.heldout=c4-validation',
        `probing.tasks=${JSON.stringify(['toxicity', probe])}`,
      ],
    });
    const find = dataFileFinder(async () => hub, { exists: () => false, home: '/home/user' });
    const pinned = await pinText(config, [], find);
    expect(pinned.corpus.source).toMatchObject([
      { data: `datasets/HuggingFaceFW/fineweb-edu@${web}:sample/10BT/*.parquet`, weight: 0.7 },
      { weight: 0.2, extract: { kind: 'conversations', thinking: true } },
      { weight: 0.1, extract: { kind: 'problem-solution', solutionField: 'generated_solution' } },
    ]);
    expect(pinned.probing.tasks).toMatchObject(['toxicity', { name: 'mine' }]);
    const moved = put('HuggingFaceFW/fineweb-edu', 'sample/10BT/001.parquet', 'new');
    expect(moved).not.toBe(web);
    expect(await pinText(config, pinsOf(pinned), find)).toEqual(pinned);
    expect(await pinText(config, [], find)).not.toEqual(pinned);
  });
});

test('a reference alone is a corpus', async () => {
  const { corpus } = await resolveRun([], { set: ['corpus.source=./texts/*.jsonl'] });
  expect(corpus.source).toMatchObject([{ data: './texts/*.jsonl', weight: 1, extract: { kind: 'text' } }]);
  await expect(resolveRun([], { set: ['corpus.source=smallworld'] })).rejects.toThrow(
    /setting corpus.source/,
  );
});
