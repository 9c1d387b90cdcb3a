import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../runner/formats/safetensors.ts';
import { memorySource } from '../../runner/io/byte-source.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { slowTest } from '../sample.ts';
import { buildSite } from './build-site.ts';
import { type Outcome, readRecords, runProgram, settingWords } from './program.ts';

const TOKEN = 'hf_uploadSecretSecret';
const REPOSITORY = 'lab/saes';
/** Tokens of a training step. */
const BATCH = 512;

let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-upload-'));
  hub = await startStandIn();
  hub.tokens.add(TOKEN);
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** As reduced as each evaluation here is. */
const small = {
  'evaluation.controlTokens': '0',
  'evaluation.probeTexts': '100',
  'evaluation.resamples': '50',
  'evaluation.coreTokens': '1024',
  'evaluation.tokens': '2048',
};

function evaluate(
  place: string,
  settings: Record<string, string>,
  environment: Record<string, string> = {},
  ...words: string[]
): Promise<Outcome> {
  const places = [`--runs=${join(folder, place, 'runs')}`, `--content=${join(folder, place, 'content')}`];
  return runProgram(
    [
      'eval',
      'small-world-quick',
      '--no-site',
      ...places,
      ...settingWords({ ...small, ...settings }),
      ...words,
    ],
    { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'home'), HF_TOKEN: TOKEN, ...environment },
  );
}

function run(place: string, environment: Record<string, string> = {}, tokens = 81_920): Promise<Outcome> {
  const settings = {
    'upload.repository': `${REPOSITORY}-${place}`,
    'upload.everyTokens': '8192',
    'training.snapshots': 'bfloat16',
    'training.tokens': String(tokens),
    'sae.batchTokens': String(BATCH),
    layers: '[0,2]',
  };
  return evaluate(place, settings, environment);
}

/** The trees of a repository's commits, oldest first, as name -> bytes. */
function history(place: string): Record<string, Buffer>[] {
  const { commits } = hub.find('model', `${REPOSITORY}-${place}`)!;
  return [...commits.values()].map((tree) =>
    Object.fromEntries([...tree].map(([path, { bytes }]) => [path, bytes])),
  );
}

const weights = ['sae_L0_latest.safetensors', 'sae_L2_latest.safetensors'];

/** Every file below a folder, read. */
async function everything(at: string): Promise<string> {
  const names = await readdir(at, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
}

describe('a run with a repository', () => {
  it('uploads while it trains, and releases without the resume state', async () => {
    // The first commit is refused, and the connection of a large file is cut: both are tried again.
    hub.faults.push(
      { on: `${REPOSITORY}-good/commit`, method: 'POST', times: 1, does: { kind: 'status', status: 503 } },
      { on: 'cdn/', method: 'PUT', times: 1, does: { kind: 'cut', after: 100 } },
    );
    // 800 steps: long enough for an upload and its repeats to end before the training does, on a fast machine too.
    const { code, out, err } = await run('good', {}, 800 * BATCH);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/uploaded [\d,]+ tokens to lab\/saes-good, commit [0-9a-f]{8}/);
    expect(out).toContain('released to lab/saes-good');

    const commits = history('good');
    const during = commits.filter((tree) => 'resume/state.json' in tree);
    expect(during.length).toBeGreaterThan(0);
    for (const tree of during) {
      expect(Object.keys(tree)).toEqual(expect.arrayContaining([...weights, 'resume/manifest.json']));
      // A whole checkpoint: every file its manifest names is there.
      const { files } = JSON.parse(String(tree['resume/manifest.json'])) as {
        files: Record<string, { bytes: number }>;
      };
      for (const [name, { bytes }] of Object.entries(files))
        expect(tree[`resume/${name}`]?.length).toBe(bytes);
    }
    const released = commits.at(-1)!;
    expect(Object.keys(released).filter((name) => name.startsWith('resume/'))).toEqual([]);
    // The model card names the repository.
    expect(Object.keys(released)).toContain('README.md');
    expect(Object.keys(released)).toEqual(
      expect.arrayContaining([...weights, 'sae_L0_cfg.json', 'trajectory_L0.json', 'val_report.json']),
    );
    const place = join(folder, 'good', 'runs', 'small-world-quick');
    for (const name of weights) expect(released[name]).toEqual(await readFile(join(place, name)));
    expect(Object.keys(released).filter((name) => name.startsWith('records/'))).toHaveLength(2);
    expect(JSON.parse(String(released['records/small-world-quick-l0.json']))).toMatchObject({
      sae: { repo: 'lab/saes-good' },
    });
    // The token went to the hub and nowhere else.
    expect(out + (await everything(join(folder, 'good')))).not.toContain(TOKEN);
    for (const { host, authorization } of hub.requests) if (host !== 'hub') expect(authorization).toBeNull();
  });

  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const stepName = (step: number) => `step-${String(step).padStart(6, '0')}`;

  it('keeps light checkpoints at log-spaced steps where it is asked to, here and in the repository', async () => {
    const place = join(folder, 'good', 'runs', 'small-world-quick', 'snapshots');
    expect((await readdir(place)).sort()).toEqual(STEPS.map(stepName));
    const bytes = await readFile(join(place, 'step-000010', 'sae_L2_latest.safetensors'));
    const { tensors } = await readSafetensors(memorySource('snapshot', bytes));
    expect(tensors.get('W_dec')).toMatchObject({ dtype: 'BF16', shape: [256, 128] });

    const commits = history('good');
    const first = commits.find((tree) => 'resume/state.json' in tree)!;
    expect(first[`snapshots/${stepName(2)}/sae_L2_latest.safetensors`]).toBeDefined();
    const released = commits.at(-1)!;
    const names = [0, 2].flatMap((layer) => [`sae_L${layer}_cfg.json`, `sae_L${layer}_latest.safetensors`]);
    expect(
      Object.keys(released)
        .filter((path) => path.startsWith('snapshots/'))
        .sort(),
    ).toEqual(STEPS.flatMap((step) => names.map((name) => `snapshots/${stepName(step)}/${name}`)));
    expect(released['snapshots/step-000010/sae_L2_latest.safetensors']).toEqual(bytes);
    expect(String(released['README.md'])).toContain('--sae lab/saes-good:snapshots');
    // What the first commit has was sent once, not with every upload; one connection was cut. (An upload that the end of the
    // training cuts off sends again what it had begun.)
    const sent = Object.entries(first).filter(([path]) => /^snapshots\/.*safetensors$/.test(path));
    expect(sent.length).toBeGreaterThanOrEqual(4);
    const puts = hub.requests.filter(({ host, method }) => host === 'cdn' && method === 'PUT');
    const times = sent.map(([, bytes]) => {
      const oid = createHash('sha256').update(bytes).digest('hex');
      return puts.filter(({ address }) => address.includes(oid)).length;
    });
    expect(Math.min(...times)).toBe(1);
    expect(times.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(sent.length + 1);
  });

  slowTest(
    'has them measured by step, from the hub as from its folder, and drawn along training',
    async () => {
      const along = await evaluate('along', { name: 'along' }, {}, '--sae=lab/saes-good:snapshots');
      expect({ code: along.code, err: along.err }).toEqual({ code: 0, err: '' });
      const records = await readRecords(join(folder, 'along', 'runs', 'along', 'records'));
      expect(records).toHaveLength(2 * STEPS.length);
      const at = (layer: number, step: number) =>
        records.find(({ sae }) => sae.layer === layer && sae.source?.light_checkpoint?.step === step)!;
      for (const layer of [0, 2]) {
        for (const step of STEPS) {
          const found = at(layer, step);
          expect(found.id).toBe(`along-l${layer}-saes-good-step-${step}`);
          expect(found.sae).toMatchObject({
            name: `saes-good L${layer} step ${step}`,
            repo: 'lab/saes-good',
            tokens_trained: BATCH * step,
          });
        }
        // It is the training that is measured: what was learned shows, in whatever metric.
        const rises = (id: 'var_exp@pooled-v1' | 'cosine@v1') =>
          expect(at(layer, 500).metrics[id]!.value!).toBeGreaterThan(at(layer, 5).metrics[id]!.value! + 0.05);
        rises('var_exp@pooled-v1');
        rises('cosine@v1');
      }
      const snapshots = join(folder, 'good', 'runs', 'small-world-quick', 'snapshots');
      const one = await evaluate('one', { name: 'one' }, {}, `--sae=${snapshots}#step=500,layer=2`);
      expect({ code: one.code, err: one.err }).toEqual({ code: 0, err: '' });
      const [own, ...others] = await readRecords(join(folder, 'one', 'runs', 'one', 'records'));
      expect(others).toEqual([]);
      expect(own!.sae.name).toBe('small-world-quick L2 step 500');
      expect(own!.metrics['var_exp@pooled-v1']!.value).toBe(at(2, 500).metrics['var_exp@pooled-v1']!.value);
      const none = await evaluate('one', { name: 'two' }, {}, `--sae=${snapshots}#step=7`);
      expect(none.code).toBe(2);
      expect(none.err).toMatch(/^error: light checkpoints .*found steps 1, 2, 5, .*expected step 7.*\n$/);

      const out = join(folder, 'dist');
      const build = await buildSite({
        content: join(folder, 'along', 'content'),
        out,
        cache: join(folder, 'astro'),
        base: '/',
      });
      expect(build.code, build.output).toBe(0);
      const trajectories = await readFile(join(out, 'trajectories', 'index.html'), 'utf8');
      expect(trajectories).toContain('Measured along training');
      const [, chart] = /data-metric="var_exp@pooled-v1"(.*?)<\/svg>/s.exec(trajectories) ?? [];
      expect(chart?.match(/class="marker"/g)).toHaveLength(2 * STEPS.length);
      // Not ranked beside what became of them.
      expect(await readFile(join(out, 'index.html'), 'utf8')).not.toContain('step 500');
    },
  );

  slowTest('trains on when the hub fails, and says what to do at the end', async () => {
    hub.faults.push({
      on: `${REPOSITORY}-bad/commit`,
      method: 'POST',
      times: Number.POSITIVE_INFINITY,
      does: { kind: 'status', status: 403 },
    });
    const first = await run('bad');
    expect(first.out).toContain('training goes on; the next upload tries again');
    expect(first.err).toMatch(/^error: .*lab\/saes-bad.*\n$/);
    expect(first.code).not.toBe(0);
    hub.faults.length = 0;
    const began = hub.requests.length;
    const second = await run('bad');
    expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: '' });
    expect(second.out).toContain('released to lab/saes-bad');
    expect(second.out).not.toMatch(/^training/m);
    expect(hub.requests.length).toBeGreaterThan(began);
  });

  it('is refused at the start without a token', async () => {
    const { code, err, out } = await run('none', { HF_TOKEN: '' });
    expect(code).toBe(2);
    expect(err).toMatch(/^error: setting upload\.repository: found no token; .*HF_TOKEN.*\n$/);
    expect(out).not.toContain('training');
  });
});
