import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../runner/formats/safetensors.ts';
import { memorySource } from '../../runner/io/byte-source.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const TOKEN = 'hf_uploadSecretSecret';
const REPOSITORY = 'lab/saes';

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

async function run(place: string, environment: Record<string, string> = {}, tokens = 81_920) {
  const child = spawn(
    process.execPath,
    [
      ...['runner/launch.mjs', 'runner/cli.ts', 'eval', 'small-world-quick', '--no-site'],
      ...[`--runs=${join(folder, place, 'runs')}`, `--content=${join(folder, place, 'content')}`],
      ...[`--set=upload.repository=${REPOSITORY}-${place}`, '--set=upload.everyTokens=8192'],
      ...[
        '--set=evaluation.controlTokens=0',
        '--set=evaluation.probeTexts=100',
        '--set=evaluation.resamples=50',
      ],
      ...['--set=evaluation.coreTokens=1024', '--set=evaluation.tokens=2048', '--set=layers=[0,2]'],
      ...['--set=training.snapshots=bfloat16', `--set=training.tokens=${tokens}`],
    ],
    {
      cwd: root,
      env: {
        ...process.env,
        HF_ENDPOINT: hub.url,
        HF_HOME: join(folder, 'home'),
        HF_TOKEN: TOKEN,
        ...environment,
      },
    },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
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
    // Long enough for an upload and its repeats to end before the training does, on a fast machine too.
    const { code, out, err } = await run('good', {}, 819_200);
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

  it('keeps light checkpoints at log-spaced steps where it is asked to', async () => {
    const place = join(folder, 'good', 'runs', 'small-world-quick', 'snapshots');
    expect((await readdir(place)).sort()).toEqual(
      [1, 2, 5, 10, 20, 50, 100, 200, 500].map((step) => `step-${String(step).padStart(6, '0')}`),
    );
    const bytes = await readFile(join(place, 'step-000010', 'sae_L2_latest.safetensors'));
    const { tensors } = await readSafetensors(memorySource('snapshot', bytes));
    expect(tensors.get('W_dec')).toMatchObject({ dtype: 'BF16', shape: [256, 128] });
  });

  it('trains on when the hub fails, and says what to do at the end', async () => {
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
