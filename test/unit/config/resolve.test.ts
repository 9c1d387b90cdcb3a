import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeFields } from '../../../runner/config/describe-fields.ts';
import { listPresets, resolveRun } from '../../../runner/config/resolve.ts';
import { runConfig } from '../../../runner/config/run-config.ts';
import { UserError } from '../../../runner/errors.ts';
import { recipe } from '../../../runner/train/recipe.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('resolveRun', () => {
  it('holds the settings of suites that do not run to nothing but their schema', async () => {
    const set = ['evaluation.suites=["core"]'];
    expect((await resolveRun([], { set })).suites).toMatchObject({ 'sae-probes': { data: null } });
  });

  it('resolves every preset', async () => {
    for (const preset of await listPresets()) expect((await resolveRun([preset], {})).name).toBe(preset);
  });

  it('has the whole reference run as a preset', async () => {
    const config = await resolveRun(['qwen3.6-27b-papergrade'], {});
    expect(config).toMatchObject({
      model: { reference: 'Qwen/Qwen3.6-27B' },
      layers: [11, 31, 55],
      corpus: { source: 'reference', trainSeed: 42, rowTokens: 1024, boundaries: 'joined' },
      training: { tokens: 200_000_000, logSteps: 100 },
      validation: { tokens: 1_000_000, seed: 43 },
      upload: { repository: null, everyTokens: 10_000_000 },
      probing: { tasks: ['toxic_conversations', 'sst2'] },
      evaluation: { tokens: 250_000, documentTokens: 1024, probeTexts: 1500, probeTokens: 256 },
    });
    // The recipe's defaults are the reference's: the preset says the same, in full view.
    expect(config.sae).toEqual(recipe.parse({}));
    // Two rows a pass, one step a pass: about 97,656 steps, the cosine at its floor half-way.
    expect(config.sae.batchTokens / config.corpus.rowTokens).toBe(2);
    expect(Math.ceil(config.training.tokens / config.sae.batchTokens)).toBe(97_657);
    expect((config.sae.scheduleSteps * config.sae.batchTokens) / config.training.tokens).toBeCloseTo(0.5, 3);
    // 200 M tokens took 35 hours: a crash loses less than ten minutes.
    const tokensASecond = config.training.tokens / (35 * 3600);
    expect(config.training.checkpointTokens / tokensASecond).toBeLessThan(600);
  });

  it('leaves out what only a preset says and means nothing to the architecture', async () => {
    // small-world says k and kAux, and fewer latents than their defaults are.
    const { sae } = await resolveRun([], { set: ['sae.architecture=jumprelu', 'sae.l0Target=16'] });
    expect(sae).toMatchObject({ architecture: 'jumprelu', l0Target: 16, dSae: 1024 });
    expect(sae.k).toBe(recipe.parse({}).k);
  });

  it.each([
    [
      ['sae.architecture=jumprelu', 'sae.k=16'],
      'setting sae.k: found 16; expected none: it means nothing to jumprelu',
    ],
    [['sae.l0Target=16'], 'setting sae.l0Target: found 16; expected none: it means nothing to topk'],
    [
      ['sae.architecture=gated', 'sae.bandwidth=0.1'],
      'setting sae.bandwidth: found 0.1; expected none: it means nothing to gated',
    ],
    [
      ['sweep.architecture=["topk","batchtopk"]', 'sae.auxDecoder=frozen'],
      'setting sae.auxDecoder: found "frozen"; expected none: it means nothing to topk, batchtopk',
    ],
    [
      ['sae.architecture=jumprelu', 'sae.sparsityLoss=l0', 'sae.l0Target=16'],
      'setting sae.l0Target: found 16; expected none: sparsityLoss l0 has no target',
    ],
  ])('refuses %j, which would do nothing', async (set, message) => {
    await expect(resolveRun([], { set })).rejects.toThrow(message);
  });

  it.each([
    ['sae.l0Target=72', 'setting sae.l0Target: found 72; expected none: it means nothing to topk'],
    ['training.policy.highNormFactor=10', 'does nothing without training.policy.highNorm drop or cap'],
    ['training.shuffle.onDisk=true', 'does nothing without training.shuffle.megabytes above 0'],
    ['validation.seed=43', 'does nothing without validation.tokens'],
    ['upload.everyTokens=1000', 'does nothing without upload.repository'],
    ['upload.private=true', 'does nothing without upload.repository'],
  ])(
    'refuses %s, which would do nothing, at its default too; a file may say everything',
    async (set, message) => {
      await expect(resolveRun([], { set: [set] })).rejects.toThrow(message);
      const path = join(folder, 'everything.json');
      await writeFile(path, JSON.stringify(await resolveRun([], {})));
      await expect(resolveRun([], { config: path })).resolves.toBeDefined();
    },
  );

  it.each([
    [
      'sae.archtecture=topk',
      /settings of sae: found "archtecture"; expected one of .* Did you mean architecture\?/,
    ],
    ['sea.k=3', /^settings: found "sea"; expected one of name, .* Did you mean sae\?/],
    ['sae.architecture=topkk', /found "topkk"; expected one of topk, .* Did you mean topk\?/],
    ['sae.k=many', /setting sae\.k: found "many"; expected a number\. /],
    ['sae.k=0', /setting sae\.k: found 0; expected more than 0\. /],
    ['sae.learningRate=-1', /setting sae\.learningRate: found -1; expected /],
    ['corpus.heldoutShare=1', /setting corpus\.heldoutShare: found 1; expected less than 1\. /],
    ['layers=[]', /setting layers: found \[\]; expected one at least where there are no hooks\. /],
    ['hooks=["mlp:4"]', /setting hooks\.0: found "mlp:4"; expected one such as mlp_out:4, of resid_pre, /],
    ['hooks=["mlp_out:4","mlp_out:4"]', /setting hooks: found .*; expected each hook once\. /],
    ['hooks=["resid_pre:3"]', /setting hooks: found .*; expected none that layers names already\. /],
    ['train=perhaps', /setting train: found "perhaps"; expected true or false\. /],
    ['corpus.source=refrence', /setting corpus\.source: found "refrence"; expected .*small-world/],
    [
      'corpus.source=[{"data":"a.txt","wieght":2}]',
      /settings of corpus\.source\.0: found "wieght"; expected one of .* Did you mean weight\?/,
    ],
  ])('says of %s what was found and expected, and the name that was meant', async (set, message) => {
    const error = await resolveRun([], { set: [set] }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toMatch(/Invalid|Too (?:small|big)|Unrecognized/);
  });

  const ANNEALED = ['sae.architecture=relu', 'sae.sparsityPEnd=0.5', 'sae.annealUpdates=3'];
  it.each([
    [
      [...ANNEALED, 'training.tokens=20480', 'sae.annealEndStep=500'],
      /sae\.annealEndStep: found 500; expected at most 20, the steps of training\.tokens/,
    ],
    [[...ANNEALED, 'training.tokens=20480'], /expected at most 20, .*null is scheduleSteps, 48\. /],
    [
      ['sae.architecture=relu', 'sae.sparsityPEnd=0.001'],
      /sae\.sparsityPEnd: found 0\.001; expected at least 0\.2 .*beyond float32/,
    ],
    [['training.resampleTokens=4096'], /expected 0 where training\.from names no SAE/],
    [
      ['training.from=["it"]', 'training.resampleTokens=1000000'],
      /training\.resampleTokens: found 1000000; expected at most training\.tokens \(49152\)/,
    ],
    [['evaluation.transferFrom=owner/base'], /--transfer needs --sae/],
    [['evaluation.transferFrom=owner/base', 'saes=["it"]'], /--transfer is without --train/],
    [
      ['layers=[]', 'hooks=["mlp_in:2>mlp_out:2"]', 'sae.applyBDecToInput=true'],
      /sae\.applyBDecToInput: found true; .*without a hook whose SAE is no transcoder/,
    ],
  ])('refuses %j, which does not fit together', async (set, message) => {
    await expect(resolveRun(['small-world-quick'], { set })).rejects.toThrow(message);
  });

  it('takes what is just within those bounds', async () => {
    for (const set of [
      [...ANNEALED, 'training.tokens=20480', 'sae.annealEndStep=20'],
      [...ANNEALED, 'sae.sparsityPEnd=0.2'],
      ['sae.architecture=relu', 'sae.sparsityNorm=powers', 'sae.sparsityP=0.05'],
      ['sae.sparsityPEnd=0.5', 'sweep.architecture=["topk","relu"]', 'sae.annealUpdates=3'],
      ['training.from=["it"]', 'training.resampleTokens=49152'],
      ['layers=[2]', 'hooks=["mlp_in:2>mlp_out:2"]', 'sae.applyBDecToInput=false'],
    ])
      await expect(resolveRun(['small-world-quick'], { set }), set.join(' ')).resolves.toBeDefined();
  });

  it('takes a setting that one of the architectures of a sweep has', async () => {
    const set = ['sweep.architecture=["topk","jumprelu"]', 'sae.k=16', 'sae.l0Target=16'];
    expect((await resolveRun([], { set })).sae).toMatchObject({ k: 16, l0Target: 16 });
  });

  it('lets a config file replace the preset, and flags the file', async () => {
    const path = join(folder, 'mine.json');
    await writeFile(path, JSON.stringify({ sae: { k: 8, dSae: 512 }, layers: [1] }));
    const config = await resolveRun([], {
      config: path,
      set: ['sae.k=12', 'training.tokens=4096'],
      name: 'mine',
      threads: '2',
    });
    expect(config).toMatchObject({
      name: 'mine',
      layers: [1],
      threads: 2,
      sae: { k: 12, dSae: 512 },
      training: { tokens: 4096 },
    });
    // What nobody named stays the preset's.
    expect(config.corpus.rowTokens).toBe((await resolveRun([], {})).corpus.rowTokens);
  });

  it.each([
    ['an unknown preset', ['nope'], {}, /preset: found "nope"; expected one of .*small-world/],
    ['two presets', ['a', 'b'], {}, /one preset at most/],
    [
      'a key that the schema does not know',
      [],
      { set: ['sae.topk=3'] },
      /settings of sae: found "topk"; expected one of architecture, .*dSae/,
    ],
    ['a prototype key', [], { set: ['__proto__.a=1'] }, /--set/],
    ['a value out of range', [], { set: ['sae.k=0'] }, /setting sae\.k/],
    ['k above dSae', [], { set: ['sae.k=5000'] }, /setting sae\.k/],
    [
      'equal seeds of training and evaluation',
      [],
      { set: ['corpus.heldoutSeed=42'] },
      /heldoutSeed.*other than trainSeed/,
    ],
    ['a batch that rows do not fill', [], { set: ['sae.batchTokens=1000'] }, /multiple of corpus.rowTokens/],
    [
      'a pair for SCR of a set that the run has not',
      [],
      { set: ['probing.scrPairs=[{"set":"jobs","positive":"nurse","negative":"surgeon"}]'] },
      /setting probing\.scrPairs: found .*; expected sets of probing\.sets, which "jobs" is not/,
    ],
    [
      'a pair for SCR twice',
      [],
      {
        set: [
          'probing.scrPairs=[{"set":"topic","positive":"music","negative":"travel"},{"set":"topic","positive":"music","negative":"travel"}]',
        ],
      },
      /setting probing\.scrPairs: .*expected each pair once/,
    ],
    [
      'a pair for SCR of one class',
      [],
      { set: ['probing.scrPairs=[{"set":"topic","positive":"music","negative":"music"}]'] },
      /setting probing\.scrPairs\.0: .*; expected two classes/,
    ],
    [
      'sae-probes without its data',
      [],
      { set: ['evaluation.suites=["sae-probes"]'] },
      /setting suites\.sae-probes\.data: found nothing; expected a folder or hub data set with the CSV files/,
    ],
    ['a name that is a path', [], { name: '../evil' }, /setting name/],
    ['a name that Windows keeps for a device', [], { name: 'con' }, /setting name.*device/],
    ['layers that are not numbers', [], { layers: '0,x' }, /setting layers/],
    ['a setting without a value', [], { set: ['sae.k'] }, /path=value/],
  ] as const)('refuses %s', async (_name, positionals, flags, message) => {
    const error = await resolveRun([...positionals], { ...flags }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
  });

  it('refuses a __proto__ key in a file without following it', async () => {
    const path = join(folder, 'proto.json');
    await writeFile(path, '{"__proto__": {"name": "polluted"}}');
    await expect(resolveRun([], { config: path })).rejects.toThrow(/__proto__/);
    expect(({} as Record<string, unknown>).name).toBeUndefined();
  });
});

describe('describeFields', () => {
  it('has words for every setting', () => {
    const fields = describeFields(runConfig);
    expect(fields.map(({ path }) => path)).toContain('sae.deadThresholdTokens');
    expect(fields.filter(({ text }) => text === '')).toEqual([]);
  });
});
