/** What the command line asks for and would do nothing, in each kind of run. That what is let pass acts is held by test/wiring. */
import { describe, expect, it } from 'vitest';
import { describeFields } from '../../../runner/config/describe-fields.ts';
import { valueAt } from '../../../runner/config/json.ts';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { isOfTrainingAlone } from '../../../runner/config/roles.ts';
import { runConfig } from '../../../runner/config/run-config.ts';

const config = await resolveRun(['small-world-quick'], {});
const ofTraining = describeFields(runConfig)
  .map(({ path }) => path)
  .filter(isOfTrainingAlone);

/** A value that asks for something, where the setting has one. */
function given(path: string): string {
  const value = valueAt(config, path.split('.')) ?? null;
  const others: Record<string, unknown> = {
    hooks: ['mlp_out:1'],
    'training.from': ['it'],
    'sae.decayStartStep': 10,
    'sae.annealEndStep': 40,
    'sae.adamMoments': 'float32',
    'sae.transcode': 'plain',
    'sae.thresholdDecay': 0.5,
    'sae.sparsityPEnd': 0.5,
  };
  const list = path.startsWith('sweep.') ? [valueAt(config, ['sae', path.slice('sweep.'.length)])] : value;
  return `${path}=${JSON.stringify(others[path] ?? list)}`;
}

describe('beside SAEs of others alone', () => {
  it('there are settings of training, and of more than the recipe', () => {
    expect(ofTraining.length).toBeGreaterThan(70);
    for (const path of [
      'layers',
      'hooks',
      'backend',
      'training.log',
      'upload.everyTokens',
      'corpus.trainSeed',
    ])
      expect(ofTraining).toContain(path);
  });

  it.each(ofTraining)('%s is refused in one line', async (path) => {
    await expect(resolveRun(['small-world-quick'], { sae: ['it'], set: [given(path)] })).rejects.toThrow(
      /expected none/,
    );
    await expect(
      resolveRun(['small-world-quick'], { sae: ['it'], set: [given(path)], train: true }).catch(
        ({ message }: Error) => message,
      ),
    ).resolves.not.toContain('SAEs that the run trains');
  });

  it('what measures them is taken, and what undoes a config file', async () => {
    const set = ['sae.batchTokens=512', 'corpus.heldoutSeed=7', 'device=cpu', 'threads=1', 'spill=bfloat16'];
    const undone = ['training.from=[]', 'upload.repository=null', 'evaluation.transferFrom=null'];
    await expect(
      resolveRun(['small-world-quick'], { sae: ['it'], set: [...set, ...undone] }),
    ).resolves.toBeDefined();
  });
});

it.each<[string[], Parameters<typeof resolveRun>[1], RegExp]>([
  [['synthetic-small'], { set: ['spill=bfloat16'] }, /setting spill: .*without a language model/],
  [
    ['synthetic-small'],
    { precision: 'bfloat16' },
    /^--precision: found "bfloat16"; .*without a language model/,
  ],
  [['synthetic-small'], { set: ['live.budget=1'] }, /setting live\.budget: .*without a language model/],
  [['synthetic-small'], { set: ['corpus.badRows=0.5'] }, /without text from data files/],
  [['synthetic-small'], { set: ['evaluation.coreTokens=512'] }, /without a suite with that setting: core/],
  [[], { set: ['corpus.heldoutShare=0.1'] }, /without text from data files/],
  [
    [],
    { set: ['evaluation.suites=["core"]', 'evaluation.probeTexts=9'] },
    /reads probing\.tasks: interpscore/,
  ],
  [[], { set: ['probing.sets=[]', 'evaluation.setTokens=9'] }, /without probing\.sets/],
  [[], { set: ['evaluation.suites=[]', 'evaluation.kValues=[1]'] }, /with that setting: k-sparse/],
  [[], { set: ['evaluation.suites=[]', 'suites.features.top=3'] }, /with that setting: features/],
  [
    [],
    { set: ['evaluation.suites=["core"]', 'evaluation.controlTokens=512'] },
    /a suite with controls: interpscore/,
  ],
  [[], { from: ['it'], set: ['sae.biasInit=zeros'] }, /without weights that are drawn/],
  [
    [],
    { set: ['sae.biasInit=zeros', 'sae.weiszfeldIterations=3'] },
    /without sae\.biasInit geometric-median/,
  ],
  [
    [],
    { sae: ['it'], set: ['corpus.source=a.txt', 'corpus.heldout=b.txt'] },
    /evaluation reads corpus\.heldout/,
  ],
  [[], { sae: ['it'], set: ['corpus.boundaries=apart'] }, /without validation\.tokens/],
  [[], { sae: ['it'], transfer: 'a/b', set: ['evaluation.pairEvery=false'] }, /it is true beside one/],
  [[], { sae: ['it'], log: 'tensorboard' }, /^--log: found "tensorboard"/],
])('%j refuses %j', async (preset, flags, message) => {
  const error = await resolveRun(preset, flags).catch((caught: unknown) => caught);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain('\n');
});

it.each<[string[], Parameters<typeof resolveRun>[1]]>([
  [['synthetic-small'], { set: ['sae.k=4', 'evaluation.tokens=1024', 'live.budget=0'] }],
  [[], { set: ['corpus.source=a.txt', 'corpus.heldoutShare=0.1', 'corpus.badRows=0'] }],
  [[], { sae: ['it'], set: ['validation.tokens=2048', 'corpus.boundaries=apart', 'validation.seed=3'] }],
  [[], { set: ['evaluation.suites=[]', 'evaluation.controlTokens=0', 'probing.sets=[]'] }],
])('%j takes %j', async (preset, flags) => {
  await expect(resolveRun(preset, flags)).resolves.toBeDefined();
});
