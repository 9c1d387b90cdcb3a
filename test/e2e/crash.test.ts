import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { hashFile } from '../../runner/io/hash.ts';
import { random } from '../../runner/math/random.ts';
import { checkpointStore } from '../../runner/train/checkpoint.ts';
import { whole as inFull } from '../sample.ts';

/** Kills that must have hit a process at work, over all runs together. */
const KILLS = inFull ? 30 : 6;
/** Runs that are cut side by side. */
const LANES = 2;

/** Two hooks, two SAEs each, 60 steps from a shuffle buffer of 1,024 tokens, a state saved every third. */
const settings = [
  'layers=[0,1]',
  'threads=1',
  'corpus.rowTokens=64',
  'sae.batchTokens=256',
  'sae.dSae=64',
  'sae.kAux=8',
  'sae.auxVariant=scaled',
  'sae.deadThresholdTokens=2048',
  'sae.biasInitSamples=256',
  'sweep.k=[4,8]',
  'training.tokens=15360',
  'training.checkpointTokens=768',
  'training.shuffle.megabytes=1',
  'training.policy.dropFirst=1',
];

const program = fileURLToPath(new URL('../job/training.ts', import.meta.url));
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'interpboard-killed-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function trainingCommand(folder: string, ...more: string[]): string[] {
  return [process.execPath, program, folder, ...settings, ...more];
}

/** A command for `sh -c`, its words quoted. */
function shellText(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}

interface Outcome {
  signal: NodeJS.Signals | null;
  /** What it wrote, in lines. */
  lines: string[];
  errors: string;
}

/** @param kill after so many passes and milliseconds; undefined lets it end by itself */
async function train(
  folder: string,
  kill?: { passes: number; ms: number },
  command: readonly string[] = trainingCommand(folder),
  environment: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const child = spawn(command[0]!, command.slice(1), { env: { ...process.env, ...environment } });
  let out = '';
  let errors = '';
  let armed = false;
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
    if (kill === undefined || armed) return;
    if ((out.match(/^at /gm)?.length ?? 0) <= kill.passes) return;
    armed = true;
    setTimeout(() => child.kill('SIGKILL'), kill.ms);
  });
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const signal = await new Promise<NodeJS.Signals | null>((ended) => {
    child.once('close', (_code, by) => ended(by));
  });
  return { signal, lines: out.trim().split('\n'), errors };
}

function result({ lines, errors }: Outcome): string {
  const last = lines.at(-1) ?? '';
  expect(last, errors).toMatch(/^done [0-9a-f]{64}$/);
  return last;
}

let whole: Promise<string> | undefined;
/** What the run gives that nothing happened to. */
function expectedResult(): Promise<string> {
  whole ??= train(join(root, 'whole')).then(result);
  return whole;
}

test(`after ${KILLS} kills at random moments the weights are those of the run that nobody cut, bit for bit`, async () => {
  const expected = await expectedResult();
  let kills = 0;
  let runs = 0;
  let resumed = 0;
  const starts = new Set<number>();
  const cut = async (): Promise<void> => {
    const stream = random(runs, 'kills');
    const folder = join(root, `run-${runs++}`);
    for (;;) {
      const kill = { passes: stream.integer(14), ms: stream.integer(40) };
      const outcome = await train(folder, kills < KILLS ? kill : undefined);
      expect(outcome.errors).toBe('');
      // A generation is never half there, whatever the moment: of the notes none is of checkpoints.
      const notes = outcome.lines.filter((line) => line.startsWith('note'));
      expect(notes.filter((line) => !/^note top \d+ of \d+ latents: /.test(line))).toEqual([]);
      const from = Number(/^at (\d+)/m.exec(outcome.lines.join('\n'))?.[1]);
      starts.add(from);
      if (from > 0) resumed++;
      if (outcome.signal === 'SIGKILL') {
        kills++;
        continue;
      }
      expect(result(outcome)).toBe(expected);
      break;
    }
    const left = await readdir(join(folder, 'checkpoints'));
    expect(left.filter((name) => name.startsWith('generation-')).length).toBeLessThanOrEqual(2);
    if (kills < KILLS) await cut();
  };
  await Promise.all(Array.from({ length: LANES }, () => cut()));
  console.info(`${kills} kills over ${runs} runs, ${resumed} resumed, from ${starts.size} places`);
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  expect(resumed).toBeGreaterThan(inFull ? KILLS / 2 : 1);
  expect(starts.size).toBeGreaterThan(inFull ? 8 : 1);
});

/** Contents of every generation, by name. */
async function generations(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const generation of await readdir(folder)) {
    for (const file of await readdir(join(folder, generation))) {
      found[`${generation}/${file}`] = (await hashFile(join(folder, generation, file))).sha256;
    }
  }
  return found;
}

/** A run cut after its first checkpoints, with its folder of generations. */
async function startedRun(name: string): Promise<{ folder: string; checkpoints: string }> {
  const folder = join(root, name);
  expect((await train(folder, { passes: 24, ms: 0 })).signal).toBe('SIGKILL');
  const checkpoints = join(folder, 'checkpoints');
  for (const each of await readdir(checkpoints)) {
    if (each.startsWith('partial-')) await rm(join(checkpoints, each), { recursive: true });
  }
  return { folder, checkpoints };
}

describe('what cannot be written stops the training with one line, the last good checkpoint intact', () => {
  const unix = process.platform !== 'win32';

  it.skipIf(!unix)('files over the size that the system allows', async () => {
    const { folder, checkpoints } = await startedRun('limited');
    const before = await generations(checkpoints);
    const limited = `ulimit -f 20; exec ${shellText(trainingCommand(folder))}`;
    const outcome = await train(folder, undefined, ['sh', '-c', limited]);
    expect(outcome.lines.at(-1)).toMatch(
      /^error UnavailableError checkpoints in .*EFBIG.*free space.*the last checkpoint is intact/,
    );
    expect(await generations(checkpoints)).toEqual(before);
    expect(result(await train(folder))).toBe(await expectedResult());
  });

  // A file system of its own size needs user namespaces; `sysctl kernel.unprivileged_userns_clone=1` enables them.
  const namespaces =
    unix && spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  it.skipIf(!namespaces)('a full disk (needs `unshare -rm`)', async () => {
    const { folder, checkpoints } = await startedRun('full');
    const hashes = JSON.stringify(await generations(checkpoints));
    // Room for what is there and half a generation more; the same process reports what is left afterwards.
    const after = `console.log('left', JSON.stringify(Object.fromEntries(await (${hashAll})(process.argv[1]))))`;
    const script = [
      `cp -r ${shellText([checkpoints])} ${shellText([`${folder}/kept`])}`,
      `mount -t tmpfs -o size=$(($(du -sk ${shellText([checkpoints])} | cut -f1) + 200))k none ${shellText([checkpoints])}`,
      `cp -r ${shellText([`${folder}/kept`])}/. ${shellText([checkpoints])}`,
      shellText(trainingCommand(folder)),
      shellText([process.execPath, '--input-type=module', '-e', after, checkpoints]),
    ].join(' && ');
    const outcome = await train(folder, undefined, ['unshare', '-rm', 'sh', '-c', script]);
    expect(outcome.lines.at(-2), outcome.errors).toMatch(
      /^error UnavailableError checkpoints in .*ENOSPC.*free space.*the last checkpoint is intact/,
    );
    expect(outcome.lines.at(-1)).toBe(`left ${hashes}`);
  });

  it('a file in place of the folder', async () => {
    const folder = join(root, 'blocked');
    await mkdir(folder);
    await writeFile(join(folder, 'checkpoints'), 'mine');
    const outcome = await train(folder);
    expect(outcome.lines.at(-1)).toMatch(/^error UnavailableError checkpoints in .*ENOTDIR/);
    expect(await readFile(join(folder, 'checkpoints'), 'utf8')).toBe('mine');
  });
});

/** Source of a function that gives [generation/file, SHA-256] of all files below a folder. */
const hashAll = `async (folder) => {
  const { readdirSync, readFileSync } = await import('node:fs');
  const { createHash } = await import('node:crypto');
  return readdirSync(folder).flatMap((generation) =>
    readdirSync(folder + '/' + generation).map((file) => [
      generation + '/' + file,
      createHash('sha256').update(readFileSync(folder + '/' + generation + '/' + file)).digest('hex'),
    ]),
  );
}`;

test('a loss that blows up stops the training, names SAE and step, and keeps the last good checkpoint', async () => {
  const folder = join(root, 'diverging');
  const wild = [
    ...['training.shuffle.megabytes=0', 'training.policy.dropFirst=0'],
    ...['sae.learningRate=0.03', 'sae.learningRateFloor=0.03', 'sae.decay=none', 'sae.scheduleSteps=60'],
    // Adam without a memory of squares: whatever the start, a gradient that shrinks makes the next update larger.
    ...['sae.adamBeta1=0.99', 'sae.adamBeta2=0'],
    ...['sae.warmupSteps=40', 'sae.unitNormDecoder=false', 'sae.gradientClip=1e9'],
  ];
  const outcome = await train(folder, undefined, trainingCommand(folder, ...wild));
  const last = outcome.lines.at(-1) ?? '';
  expect(last).toMatch(/^error UserError training of L\d_k\d at step \d+: found .*times the variance/);
  const step = Number(/at step (\d+)/.exec(last)![1]);
  const loaded = await checkpointStore(join(folder, 'checkpoints')).load();
  expect(loaded?.damaged).toEqual([]);
  for (const { steps } of loaded!.checkpoint.state.saes.values()) {
    expect(steps).toBeLessThan(step);
    expect(steps).toBeGreaterThan(0);
  }
});

test('activations that runs kept, killed ones too, give the same SAEs bit for bit, of another SAE as well', async () => {
  const kept = { KEPT_ACTIVATIONS: join(root, 'kept') };
  const words = (folder: string): string[] => trainingCommand(folder, 'sweep.k=[4]', 'sae.dSae=32');
  const run = (name: string, command = trainingCommand, kill?: { passes: number; ms: number }) =>
    train(join(root, name), kill, command(join(root, name)), kept);
  const expected = await expectedResult();
  const other = result(await train(join(root, 'other'), undefined, words(join(root, 'other'))));

  expect((await run('kept-cut', trainingCommand, { passes: 9, ms: 5 })).signal).toBe('SIGKILL');
  const passes = (await readdir(kept.KEPT_ACTIVATIONS)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  // Half of one is what a disk may hold that lost its power: it is no pass.
  const file = join(kept.KEPT_ACTIVATIONS, passes[0]!);
  await writeFile(file, (await readFile(file)).subarray(0, 1_000));

  const after = await run('kept-after');
  expect(result(after)).toBe(expected);
  expect(after.lines.join('\n')).toMatch(
    /note .*(kept activations are damaged|that an earlier run kept are read)/,
  );
  const read = await run('kept-read');
  expect(result(read)).toBe(expected);
  expect(read.lines).toContain('note activations that an earlier run kept are read');
  expect(result(await run('kept-other', words))).toBe(other);
});
