/** A run in shards on hosts that share nothing but the hub: jobs are asked for, do their work, and are merged from their branches. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { slowTest } from '../sample.ts';
import { readRecords, runProgram, settingWords } from './program.ts';

const name = 'small-world-quick';
const branchOf = (index: number): string => `${name}-shard-${index}-of-2`;
const settings = settingWords({
  layers: '[0,4]',
  'training.tokens': '8192',
  'evaluation.tokens': '2048',
  'evaluation.controlTokens': '0',
  'evaluation.probeTexts': '40',
  'evaluation.resamples': '20',
  'upload.repository': 'lab/sweep',
});

let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-jobs-'));
  hub = await startStandIn();
  hub.tokens.add('hf_writes');
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** A host of its own: its folders, its caches, and of the others nothing. */
function host(at: string): { words: string[]; environment: Record<string, string> } {
  const place = (part: string) => join(folder, at, part);
  return {
    words: [`--runs=${place('runs')}`, `--content=${place('content')}`],
    environment: {
      HF_ENDPOINT: hub.url,
      HF_TOKEN: 'hf_writes',
      HF_HOME: place('hub'),
      XDG_CACHE_HOME: place('cache'),
      INTERPBOARD_CACHE: place('evaluation'),
    },
  };
}

slowTest('jobs of the hub make the records of one process', async () => {
  const home = host('home');
  const sent = await runProgram(
    [
      ...['submit', name, '--engine=hf-jobs', '--shards=2', '--image=lab/interpboard:1', '--flavor=l4x1'],
      ...['--time=2h', '--send', ...settings],
    ],
    home.environment,
  );
  expect(sent).toMatchObject({ code: 0, err: '' });
  expect(hub.jobs.map(({ namespace }) => namespace)).toEqual(['lab', 'lab']);
  // The token goes where the service keeps it, and is in no command and no output.
  expect(hub.jobs[0]!.body).toMatchObject({
    secrets: { HF_TOKEN: 'hf_writes' },
    timeoutSeconds: 7_200,
    flavor: 'l4x1',
  });
  expect(JSON.stringify(hub.jobs.map(({ body }) => body.command)) + sent.all).not.toContain('hf_writes');

  const early = ['merge', name, '--from=lab/sweep', '--shards=2', '--no-site', ...home.words];
  expect((await runProgram(early, home.environment)).err).toContain('no shards');

  // What an earlier try left on a branch is not taken for this one's.
  hub.put('lab/sweep', { 'shard/sae_L9_latest.safetensors': { text: 'old' } }, { branch: branchOf(2) });
  for (const [i, { body }] of hub.jobs.entries()) {
    const { words, environment } = host(`job-${i}`);
    const [node, program, cli, ...command] = body.command as string[];
    expect([node, program, cli]).toEqual(['node', '/interpboard/runner/launch.mjs', 'runner/cli.ts']);
    const outcome = await runProgram([...command, ...words], environment);
    expect(outcome).toMatchObject({ code: 0, err: '' });
    expect(outcome.out).toContain(`shard sent to lab/sweep@${branchOf(i + 1)}`);
    if (i === 0) {
      // Started again where nothing of it lies, it is done, and leaves nothing there.
      const again = host('job-again');
      const second = await runProgram([...command, ...again.words], again.environment);
      expect(second).toMatchObject({ code: 0, err: '' });
      expect(second.out).toContain(`shard    1-of-2 of ${name} is done: lab/sweep@${branchOf(1)}`);
      expect(existsSync(join(folder, 'job-again', 'runs'))).toBe(false);
    }
    if (i === 0) expect((await runProgram(early, home.environment)).err).toContain('2-of-2 has not begun');
  }

  const merged = await runProgram(early, home.environment);
  expect(merged).toMatchObject({ code: 0, err: '' });
  const whole = host('whole');
  const words = ['eval', name, ...settings, '--set=upload.repository=lab/whole', '--no-site', ...whole.words];
  expect((await runProgram(words, whole.environment)).code).toBe(0);
  const at = (side: string) => readRecords(join(folder, side, 'content', 'measured', name));
  const numbers = (records: Awaited<ReturnType<typeof at>>) =>
    records.map(({ id, metrics, suites, curves, paired, sae: { sha256 } }) => ({
      id,
      metrics,
      suites,
      curves,
      paired,
      sha256,
    }));
  expect(numbers(await at('home'))).toEqual(numbers(await at('whole')));

  // The merge is released to the run's own branch; nothing of this machine stands in what the shards sent.
  const repository = hub.find('model', 'lab/sweep')!;
  const files = (branch: string) => repository.commits.get(repository.refs.get(branch)!)!;
  expect([...files('main').keys()]).toContain('README.md');
  expect([...files(branchOf(2)).keys()]).not.toContain('shard/sae_L9_latest.safetensors');
  const branch = files(branchOf(1));
  expect([...branch.keys()].sort()).toContain('shard/sae_L0_latest.safetensors');
  for (const [path, { bytes }] of branch)
    if (path.endsWith('.json')) expect(String(bytes)).not.toContain(folder);
  expect(
    (await readdir(join(folder, 'home', 'runs', name))).filter((file) => file.startsWith('sae_')),
  ).toHaveLength(4);
});
