/** A machine is lost in the middle of a run; another one, which has nothing of it, goes on from the hub. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoRow } from '../../runner/demo/index.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { type Program, readRecords, settingWords, startProgram, until } from './program.ts';

const TOKEN = 'hf_elsewhereSecret';
const REPOSITORY = 'lab/moved';
const TOKENS = 122_880;

let folder: string;
let hub: StandIn;
/** The commit of the text that the runs begin with. */
let commit: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-elsewhere-'));
  hub = await startStandIn();
  hub.tokens.add(TOKEN);
  const lines = Array.from({ length: 12_000 }, (_, i) =>
    JSON.stringify({ text: demoRow('prose', 5, i).text }),
  );
  commit = hub.put(
    'lab/prose',
    { 'train.jsonl': { text: lines.join('\n'), lfs: true } },
    { type: 'dataset' },
  );
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** A machine is a folder: its runs, its records, its cache of the hub. */
function start(machine: string, more: Record<string, string> = {}, ...words: string[]): Program {
  const settings = {
    layers: '[0,2]',
    threads: '1',
    'corpus.source': 'datasets/lab/prose:train.jsonl',
    'corpus.heldoutShare': '0.1',
    'training.tokens': String(TOKENS),
    'training.checkpointTokens': '8192',
    'training.shuffle.megabytes': '1',
    'upload.repository': REPOSITORY,
    'upload.everyTokens': '8192',
    'evaluation.tokens': '2048',
    'evaluation.coreTokens': '1024',
    'evaluation.controlTokens': '0',
    'evaluation.probeTexts': '100',
    'evaluation.resamples': '50',
    ...more,
  };
  const places = [`--runs=${join(folder, machine, 'runs')}`, `--content=${join(folder, machine, 'content')}`];
  return startProgram(
    ['eval', 'small-world-quick', '--no-site', ...places, ...settingWords(settings), ...words],
    { HF_ENDPOINT: hub.url, HF_HOME: join(folder, machine, 'home'), HF_TOKEN: TOKEN },
  );
}

function runFolder(machine: string): string {
  return join(folder, machine, 'runs', 'small-world-quick');
}

function weights(machine: string): Promise<Buffer[]> {
  return Promise.all(
    [0, 2].map((layer) => readFile(join(runFolder(machine), `sae_L${layer}_latest.safetensors`))),
  );
}

/** Names in the newest commit of the run's repository. */
function names(): string[] {
  const { commits } = hub.find('model', REPOSITORY) ?? { commits: new Map() };
  return [...([...commits.values()].at(-1)?.keys() ?? [])];
}

describe('a run whose machine is lost', () => {
  it('leaves its state on the hub when it is killed', async () => {
    const lost = start('a');
    await until(() => names().includes('resume/run.json'), lost);
    lost.child.kill('SIGKILL');
    await lost.outcome;
    expect(existsSync(join(runFolder('a'), 'sae_L0_latest.safetensors'))).toBe(false);
    // What the state says of the run names hashes and repositories, no place of the machine.
    const [tree] = [...hub.find('model', REPOSITORY)!.commits.values()].slice(-1);
    expect(String(tree!.get('resume/run.json')!.bytes)).not.toContain(folder);
    // The text's branch moves on: the run stays with the commit that it began with.
    hub.put('lab/prose', { 'train.jsonl': { text: '{"text":"another"}' } }, { type: 'dataset' });
  });

  it('is not taken up by a run with other settings: one line that names them', async () => {
    const { code, err, out } = await start('c', { 'sae.k': '8', 'sae.learningRate': '0.001' }).outcome;
    expect(err).toMatch(
      /^error: resume\/ of lab\/moved: found the state of a run with other settings \(sae\); expected .*--fresh.*\n$/,
    );
    expect(code).toBe(2);
    expect(out).not.toContain('training');
    expect(existsSync(join(runFolder('c'), 'run.json'))).toBe(false);
    // Nor is one named that where it is sent, or how often, decides.
    expect(names()).toContain('resume/run.json');
  });

  it('starts over with --fresh, and then stays with that', async () => {
    // Sent nowhere, and of the text as it was: it is stopped before its end.
    const apart = {
      'upload.everyTokens': String(10 * TOKENS),
      'corpus.source': `datasets/lab/prose@${commit}:train.jsonl`,
    };
    const fresh = start('d', apart, '--fresh');
    await until(() => existsSync(join(runFolder('d'), 'run.json')), fresh);
    fresh.child.kill('SIGKILL');
    expect((await fresh.outcome).out).not.toContain('resumes');
    expect(await readdir(join(runFolder('d'), 'checkpoints')).catch(() => [])).toEqual([]);
    const again = start('d', apart);
    await until(
      async () => (await readdir(join(runFolder('d'), 'checkpoints')).catch(() => [])).length > 0,
      again,
    );
    again.child.kill('SIGKILL');
    expect((await again.outcome).out).not.toContain('are trained');
  });

  it('goes on elsewhere, over a bad line, to the same bits as if nothing had happened', async () => {
    const before = hub.requests.length;
    hub.faults.push(
      { on: 'cdn/', method: 'GET', times: 2, does: { kind: 'cut', after: 50_000 } },
      { on: 'cdn/', method: 'GET', times: 1, does: { kind: 'corrupt' } },
    );
    const { code, err, out } = await start('b', { 'upload.everyTokens': '65536' }).outcome;
    expect({ code, err }, out).toEqual({ code: 0, err: '' });
    const [, said] =
      /^resumes {2}from resume\/ of lab\/moved, commit [0-9a-f]{8}: ([\d,]+) tokens are trained \(--fresh starts over\)$/m.exec(
        out,
      ) ?? [];
    const from = Number(said?.replaceAll(',', ''));
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThan(TOKENS);
    expect(hub.faults.every(({ times }) => times === 0)).toBe(true);
    expect(
      hub.requests.slice(before).some(({ host, authorization }) => host === 'cdn' && authorization),
    ).toBe(false);
    expect(existsSync(join(runFolder('b'), 'resuming'))).toBe(false);

    // The same from a repository of its own, with nothing happening; the text's first commit named outright.
    const whole = await start('whole', {
      'upload.repository': 'lab/whole',
      'corpus.source': `datasets/lab/prose@${commit}:train.jsonl`,
    }).outcome;
    expect({ code: whole.code, err: whole.err }).toEqual({ code: 0, err: '' });
    expect(await weights('b')).toEqual(await weights('whole'));
    const [a, b] = await Promise.all(
      ['b', 'whole'].map((machine) => readRecords(join(runFolder(machine), 'records'))),
    );
    const points = (records: typeof a) =>
      records!.map(({ trajectory }) => trajectory!.points.map(({ tokens_per_second: _, ...point }) => point));
    expect(points(a)).toEqual(points(b));
    expect(a!.map(({ metrics }) => metrics)).toEqual(b!.map(({ metrics }) => metrics));
    // Released: nothing to resume from is left.
    expect(names().filter((name) => name.startsWith('resume/'))).toEqual([]);
    expect(names()).toContain('README.md');
  });
});
