import { expect, it } from 'vitest';
import { elsewhereText, wordsOnOwnModel } from '../../../runner/commands/transfer.ts';
import { resolveRun } from '../../../runner/config/resolve.ts';

const values = {
  sae: ['lab/sae#layer=2', 'lab/other'],
  model: 'lab/fine-tune',
  transfer: 'lab/base',
  fresh: true,
  set: ['evaluation.tokens=4096', 'upload.repository=me/results', 'evaluation.transferFrom=lab/base'],
};

it('the run on the own model is the same run, of a name of its own, and is sent nowhere', async () => {
  const config = await resolveRun(['small-world-quick'], { ...values, name: 'moved' });
  const words = wordsOnOwnModel(config, ['small-world-quick'], { ...values, name: 'moved' });
  expect(words).toContain('--fresh');
  const of = (option: string) =>
    words.flatMap((word) => (word.startsWith(`--${option}=`) ? [word.slice(option.length + 3)] : []));
  const own = await resolveRun(['small-world-quick'], {
    set: of('set'),
    sae: of('sae'),
    name: of('name').at(-1),
    model: of('model').at(-1),
  });
  expect(own).toEqual({
    ...config,
    name: 'moved-own-model',
    model: { id: 'lab/base', reference: 'lab/base' },
    evaluation: { ...config.evaluation, transferFrom: null, pairEvery: true },
    upload: { ...config.upload, repository: null },
  });
  expect(config.upload.repository).toBe('me/results');
  const embedded = wordsOnOwnModel(
    { ...config, evaluation: { ...config.evaluation, transferFrom: 'interpboard/small-world' } },
    [],
    values,
  );
  expect(embedded).toContain('--set=model.reference=null');
  expect(embedded.some((word) => word.startsWith('--model='))).toBe(false);
});

it('an SAE on another model than its files name is said, and how to measure both', async () => {
  const config = await resolveRun(['small-world-quick'], { sae: ['lab/sae'], model: 'lab/fine-tune' });
  const line = (model_name: string | null, over = config) =>
    elsewhereText({ details: { model_name, hook_name: null } }, over);
  expect(line('lab/base')).toEqual([
    '         of "lab/base", evaluated on lab/fine-tune (--transfer lab/base measures it there too)',
  ]);
  const asked = { ...config, evaluation: { ...config.evaluation, transferFrom: 'lab/base' } };
  expect(line('lab/base', asked)).toEqual(['         of "lab/base", evaluated on lab/fine-tune']);
  // A line of a file's own, and a word for a shell: neither comes out of a name.
  const [hostile, ...rest] = line('x\n$(rm)\u001b[31m');
  expect(rest).toEqual([]);
  expect(hostile).toContain(String.raw`of "x\n$(rm)\u001b[31m", evaluated`);
  expect(hostile).toContain('(--transfer MODEL measures');
  expect([line(null), line('someone/Fine-Tune')]).toEqual([[], []]);
  // A crosscoder of two models may name both in one word.
  const ofCrosscoder = (model_name: string) =>
    elsewhereText({ details: { model_name, hook_name: null }, places: [] }, config);
  expect(ofCrosscoder('fine-tune-it-Fine-Tune')).toEqual([]);
  expect(ofCrosscoder('lab/base')).toEqual(['         of "lab/base", evaluated on lab/fine-tune']);
});
