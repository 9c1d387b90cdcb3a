import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { chooseDevices } from '../../../runner/commands/choose-devices.ts';
import { run } from '../../../runner/commands/plan.ts';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { suitesOf } from '../../../runner/config/run-config.ts';
import { UnavailableError, UserError } from '../../../runner/errors.ts';
import { formatBytes } from '../../../runner/io/bytes.ts';
import { evaluationNeeds } from '../../../runner/job/evaluation/pooled-memory.ts';
import type { PlannedStage, RunPlan } from '../../../runner/job/run/plan.ts';
import { writeSaeLens } from '../../../runner/sae/checkpoints/sae-lens-export.ts';
import { checkedSae } from '../../../runner/sae/sae.ts';
import { demoModelFiles } from '../../hub/demo-model.ts';
import { startStandIn } from '../../hub/stand-in.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-plan-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Of the embedded model's block 2. */
async function smallSae(): Promise<string> {
  const sae = checkedSae({
    architecture: 'relu',
    d_in: 128,
    d_sae: 256,
    W_enc: new Float32Array(128 * 256),
    W_dec: new Float32Array(256 * 128),
    b_enc: new Float32Array(256),
    b_dec: new Float32Array(128),
    normalisation: { kind: 'none' },
    apply_b_dec_to_input: true,
  });
  const at = await mkdtemp(join(folder, 'sae-'));
  await writeSaeLens(join(at, 'small'), sae, {
    model_name: 'interpboard/small-world',
    hook_name: 'blocks.2.hook_resid_post',
  });
  return join(at, 'small');
}

async function plan(...args: string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  expect(await run(args)).toBe(0);
  const text = log.mock.calls.map(([line]) => line).join('\n');
  log.mockRestore();
  return text;
}

describe('plan', () => {
  it('plans the hooks that names of SAEs say, and says of how many they do not', async () => {
    const named = await plan('small-world-quick', '--sae=a/b#layer=1', '--sae=a/b#hook=mlp_out:3');
    const hooks = (text: string) => [...text.matchAll(/, hook (\S+)/g)].map(([, hook]) => hook);
    expect(hooks(named)).toEqual(['1', 'mlp_out:3']);
    expect(named).not.toContain('unknown');
    const trained = await plan('small-world-quick', '--sae=a/b#layer=1', '--train');
    expect(new Set(hooks(trained))).toEqual(new Set(['0', '1', '2', '4']));
    const onDisk = await plan('small-world-quick', `--sae=${await smallSae()}`);
    expect(hooks(onDisk)).toEqual(['2']);
    expect(onDisk).not.toMatch(/unknown: say them|not on this machine/);
    const clt = fileURLToPath(new URL('../../fixtures/clt', import.meta.url));
    expect(hooks(await plan('small-world-quick', `--sae=${clt}`))).toEqual(
      [0, 1, 2, 3, 4, 5].flatMap((layer) => [`resid_mid:${layer}`, `mlp_out:${layer}`]),
    );
    const unknown = await plan('small-world-quick', '--sae=a/b');
    expect(unknown).toMatch(/^hooks +of 1 --sae unknown: say them as in owner\/name#layer=12$/m);
    expect(unknown).toMatch(
      /^SAEs +1 of --sae not on this machine: neither memory nor time is counted of them$/m,
    );
    await expect(run(['small-world-quick', '--sae=a/b#layer=99'])).rejects.toThrow(UserError);
  });

  it('counts SAEs that lie here as the run does, and refuses what it would', async () => {
    const at = await smallSae();
    const evaluated = async (sae: string, ...words: string[]): Promise<PlannedStage> => {
      const said: { plan: RunPlan } = JSON.parse(
        await plan('small-world-quick', `--sae=${sae}`, '--json', ...words),
      );
      return said.plan.stages.at(-1)!;
    };
    const [elsewhere, here] = [await evaluated('a/b#layer=2'), await evaluated(at)];
    const config = await resolveRun(['small-world-quick'], { sae: [at] });
    const needs = evaluationNeeds(config, suitesOf(config), [{ d_in: 128, d_sae: 256, k: null }], ['cpu']);
    expect(needs.saes).toBe(4 * 2 * 128 * 256);
    expect(here.memory.working - elsewhere.memory.working).toBe(needs.saes + needs.host!);
    expect(here.operations.saes).toBeGreaterThan(elsewhere.operations.saes);
    const short = `--memory=${((here.memory.working - 1_000) / 1e6).toFixed(3)}MB`;
    await evaluated('a/b#layer=2', short);
    await expect(run(['small-world-quick', `--sae=${at}`, short])).rejects.toThrow(/fewer or smaller SAEs/);
    const card = await evaluated(at, '--device=cuda:0', '--device-memory=2GiB');
    expect(card.devices[0]).toMatchObject({ states: needs.saes });
    const cards = ['--device=cuda:0,cuda:1', '--device-memory=h200', '--train'];
    const two = (await plan('small-world-quick', `--sae=${at}`, ...cards)).split('\nevaluation');
    expect(two[0]).toMatch(/^ +SAEs L0, L4 on cuda:0 \([^)]+\); L2 on cuda:1 \([^)]+\)$/m);
    // As the run shares them out: in the order of the model.
    expect(two[1]).toMatch(/^ +SAEs L0, L2_small on cuda:0 \(512 KiB\); L2, L4 on cuda:1 \(512 KiB\)$/m);
    const unknown = (await plan('small-world-quick', '--sae=a/b', ...cards)).split('\nevaluation');
    expect(unknown[0]).toContain('SAEs L0, L4 on cuda:0');
    expect(unknown[1]).not.toContain('on cuda:0');
    const clt = fileURLToPath(new URL('../../fixtures/clt', import.meta.url));
    const other = ['--model', join(fixtures, 'llama')];
    for (const [words, error] of [
      [[`--sae=${clt}`, '--train'], /SAEs to train beside it/],
      [[`--sae=${clt}`, `--sae=${at}`], /other SAEs beside it/],
      [[`--sae=${clt}`, '--sae=a/b'], /other SAEs beside it/],
      [[`--from=${clt}`], /it as what training starts from/],
      [[`--sae=${clt}#layer=2`], /words of a hook/],
      [[`--sae=${clt}`, ...other], /layers of width/],
      [[`--sae=${join(folder, 'nowhere')}`], /nowhere/],
      [[`--sae=${at}`, ...other], /width 128/],
    ] as const)
      await expect(run(['small-world-quick', ...words]), words.join(' ')).rejects.toThrow(error);
  });

  it('refuses a recipe that the backend does not compute, and hooks beside SAEs of others', async () => {
    for (const [words, error] of [
      [['--hooks=mlp_in:2>mlp_out:2', '--backend=sparse-cpu'], /backend sparse-cpu: found transcoders/],
      [
        ['--sae=a/b#layer=1', '--layers=2'],
        /--layers: found \[2\]; expected none: it does nothing without SAEs that the run trains \(--train\)/,
      ],
      [['--sae=a/b#layer=1', '--hooks=mlp_out:2'], /--hooks: found \["mlp_out:2"\]; .*--sae NAME#layer=2/],
    ] as const)
      await expect(run(['small-world-quick', ...words])).rejects.toThrow(error);
    await plan('small-world-quick', '--sae=a/b#layer=1', '--layers=2', '--train');
    // As npm run plan without -- gives its options: words alone.
    await expect(run(['small-world-quick', 'X'])).rejects.toThrow(/^arguments of plan: .*npm run plan -- /);
  });

  it('of a synthetic model counts SAEs on the run’s device, and refuses what is planned of language models alone', async () => {
    const words = ['--model=synthetic-small', '--layers=0', '--set=sae.dSae=256', '--set=sweep={}'];
    // Weights and two moments; on a CPU gradients and the next state beside them.
    const state = 3 * 4 * (2 * 128 * 256 + 128 + 256);
    expect(await plan(...words, '--device=cpu')).toContain(`1 SAE, ${formatBytes(2 * state)};`);
    expect(await plan(...words, '--device=cuda:0')).toContain(`1 SAE, ${formatBytes(state)};`);
    for (const option of ['--shards=2', '--device-memory=8GiB'])
      await expect(run([...words, option])).rejects.toThrow(/^--(shards|device-memory): .*synthetic model/);
  });

  it('holds an SAE that training starts from to hooks and recipe, where it lies here', async () => {
    const at = await smallSae();
    const words = ['small-world-quick', `--from=${at}`, '--set=sae.architecture=relu'];
    expect(await plan(...words, '--layers=2')).not.toMatch(/^from/m);
    await expect(run([...words, '--layers=0'])).rejects.toThrow(/found one of resid_post:2/);
    await expect(run([...words, '--hooks=mlp_in:2>mlp_out:2'])).rejects.toThrow(/found one of resid_post:2/);
    await expect(run([...words, '--layers=2', '--set=sae.dSae=512'])).rejects.toThrow(/--set sae\.dSae=256/);
    await expect(run([...words.slice(0, 2), '--layers=2', '--set=sae.architecture=gated'])).rejects.toThrow(
      /--set sae\.architecture=relu/,
    );
    await expect(run([`--from=${join(folder, 'nowhere')}`, '--layers=2'])).rejects.toThrow(UserError);
    expect(await plan('small-world-quick', '--from=a/b', '--layers=2')).toMatch(
      /^from +1 of --from not looked/m,
    );
  });

  it('prints segments, bytes, devices, memory, disk and time of the preset', async () => {
    const text = await plan('small-world-quick', '--memory', '2GiB');
    expect(text).toMatch(/^memory {5}2\.00 GiB may be used$/m);
    expect(text).toMatch(/^devices {4}cpu \([\d.]+ GFLOP\/s\)$/m);
    expect(text).toMatch(/^training {3}49,152 tokens; all segments held$/m);
    expect(text).toMatch(/^ +cpu +1\.31 MiB {2}blocks 1–2, hook 2$/m);
    // KL asks for a head apart from the blocks, and twice.
    expect(text).toMatch(/^ +cpu +673 KiB {2}block 5$/m);
    expect(text).toMatch(/^ +cpu +2\.00 MiB {2}head$/m);
    expect(text).toMatch(/^ {2}time +about [\d.]+ (?:s|min|h|days) \([\d.e+]+ TFLOP/m);
    expect(text).not.toMatch(/waiting residuals|ablations/);
    const inside = await plan('small-world-quick', '--hooks=mlp_out:2', '--memory=2GiB');
    expect(inside.split('evaluation')[1]).toMatch(
      /^ {2}memory .*, room for ablations inside blocks 2\.00 MiB$/m,
    );
    expect(inside).not.toContain('waiting residuals');
    // Training needs no segment after the last hook.
    expect(text.split('evaluation')[0]).not.toContain('head');
  });

  it('says what shards take, and from how many on the language model dominates', async () => {
    const words = ['small-world-quick', '--set', 'sweep.k=[4,8,16,32]', '--set', 'sweep.dSae=[256,512]'];
    const text = await plan(...words, '--shards', '6');
    expect(text).toMatch(/^shards {5}6, of \d to \d SAEs/m);
    expect(text).toMatch(/^ {2}time +about .* for the dearest, .* device hours in all$/m);
    const planned = async (shards: number) => {
      const { plan: whole, shards: found } = JSON.parse(
        await plan(...words, '--json', '--shards', String(shards)),
      );
      return { whole, ...found };
    };
    const one = await planned(1);
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    // One shard is the run: all its stages together.
    const stages: { operations: { model: number; saes: number } }[] = one.whole.stages;
    const model = sum(stages.map(({ operations }) => operations.model));
    const saes = sum(stages.map(({ operations }) => operations.saes));
    expect(one.shards[0].model).toBeCloseTo(model, -3);
    expect(one.shards[0].operations).toBeCloseTo(model + saes, -3);
    const share = async (shards: number): Promise<number> => {
      const { shards: found } = await planned(shards);
      return (
        sum(found.map((each: { passes: number }) => each.passes)) /
        sum(found.map((each: { operations: number }) => each.operations))
      );
    };
    const from: number = one.dominatedFrom;
    expect(from).toBeGreaterThan(1);
    expect(await share(from)).toBeGreaterThan(0.5);
    expect(await share(from - 1)).toBeLessThanOrEqual(0.5);
    const six = await planned(6);
    expect(six.shards.flatMap(({ saes }: { saes: string[] }) => saes)).toHaveLength(24);
    // 3 numbers kept of each weight, of an old checkpoint and a new one.
    for (const { disk } of six.shards) expect(disk.checkpoints / disk.saes).toBeGreaterThan(6);
    await expect(run([...words, '--shards', '25'])).rejects.toThrow('25 shards of a run of 24 SAEs');
    await expect(run(['--sae', 'a/b', '--shards', '2'])).rejects.toThrow('trains no SAE');
  });

  it('says what is loaded in turn, and what waits on disk', async () => {
    const planned = async (megabytes: number, ...args: string[]) => {
      const text = await plan('small-world-quick', '--memory', `${megabytes}MB`, '--json', ...args);
      return JSON.parse(text).plan.stages.find(({ stage }: { stage: string }) => stage === 'evaluation');
    };
    const evaluation = await planned(555.5, '--set', 'evaluation.suites=[]');
    expect(evaluation.resident).toBe(false);
    const largest = Math.max(...evaluation.segments.map(({ bytes }: { bytes: number }) => bytes));
    expect(evaluation.memory.weights).toBe(largest);
    // Clean and one branch a hook, 4 bytes each, beyond what may wait in memory.
    expect(evaluation.disk + evaluation.memory.waiting).toBe(4 * 4096 * 128 * 4);
    expect(evaluation.disk).toBeGreaterThan(0);
    // The suites' text waits beside it: core rows with a branch an SAE and a hook, probe texts with none.
    // 3 SAEs' features of 700 texts, of 256 latents at most (8 bytes), an untrained SAE's as many, and the residual.
    const pooled = 3 * 700 * (2 * 8 * 256 + 4 * 128);
    const all = await planned(
      Math.ceil(555_500 + pooled / 1e3) / 1e3,
      ...['--set', 'evaluation.suites=["interpscore","core","k-sparse","tpp","scr"]'],
    );
    expect(all.memory.working - evaluation.memory.working).toBe(pooled);
    const texts = 2 * 200 * 256 + 5 * (40 + 20) * 128;
    expect(all.tokens).toBe(4096 + 1024 + texts);
    expect(all.disk + all.memory.waiting).toBe(4 * 128 * (4096 * 4 + 1024 * 7 + texts));
  });

  it('reads ranges of a repository, and downloads nothing', async () => {
    const hub = await startStandIn();
    try {
      const files = await demoModelFiles();
      const commit = hub.put('lab/tiny', files);
      vi.stubEnv('HF_ENDPOINT', hub.url);
      vi.stubEnv('HF_HOME', join(folder, 'home'));
      vi.stubEnv('HF_TOKEN', '');
      const text = await plan('small-world-quick', '--model', 'lab/tiny');
      expect(text).toContain(`model      lab/tiny@${commit}`);
      expect(text).toMatch(/^download {3}2\.\d\d MiB of 2\.\d\d MiB$/m);
      const read = hub.requests.filter(({ address }) => address.includes('model.safetensors'));
      expect(read.length).toBeGreaterThan(0);
      const ranges = read.flatMap(({ range }) => {
        const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
        return [last === undefined ? Number.POSITIVE_INFINITY : Number(last) - Number(first) + 1];
      });
      expect(Math.max(...ranges)).toBeLessThan(20_000);
      const kept = await readdir(join(folder, 'home'), { recursive: true });
      expect(kept.filter((name) => /safetensors|blobs/.test(name))).toEqual([]);
    } finally {
      await hub.close();
    }
  });

  it.each([
    [['--memory', '20'], /--memory: found "20"; expected a size with its unit/],
    [['--memory', '100MB'], /--memory: found 95\.4 MiB; expected more than/],
    [['--layers', '9'], /hook layer: found 9; expected a block between 0 and 5/],
    [['--device', 'cuda:0,cuda:0'], /devices: found "cuda:0,cuda:0"; expected each once/],
    [['--device', 'auto,cpu'], /device: found "auto"/],
    [['--model', `${fixtures}nothing`], /found no config\.json/],
  ])('%j is refused in one line', async (args, message) => {
    const failure = run(['small-world-quick', ...args]);
    await expect(failure).rejects.toThrow(UserError);
    await expect(failure).rejects.toThrow(message);
  });
});

describe('devices', () => {
  // Without a driver whatever the machine has.
  const hidden = {
    VK_ICD_FILENAMES: '/nowhere.json',
    VK_DRIVER_FILES: '/nowhere.json',
    CUDA_VISIBLE_DEVICES: '',
  };
  const hide = () => {
    for (const [name, value] of Object.entries(hidden)) vi.stubEnv(name, value);
  };

  it.runIf(process.platform === 'linux')('one that is not there is an error of one line', async () => {
    hide();
    const failure = chooseDevices('cpu,webgpu', () => undefined);
    await expect(failure).rejects.toThrow(UnavailableError);
    await expect(failure).rejects.toThrow(
      /^device webgpu: found [^\n]*; expected [^\n]*Install a Vulkan driver/,
    );
    await expect(chooseDevices('coreml', () => undefined)).rejects.toThrow(/CoreML is there on macOS alone/);
  });

  it.runIf(process.platform === 'linux')('auto says what it found', async () => {
    hide();
    const said: string[] = [];
    const device = await chooseDevices('auto', (line) => said.push(line));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(new RegExp(`^device {3}${device} \\(auto: `));
    if (device === 'cpu') expect(said[0]).toMatch(/cuda:0: .*; webgpu: /);
  });
});
