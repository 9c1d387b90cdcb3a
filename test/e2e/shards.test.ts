/** A run in shards is the run itself: SAEs bit for bit, and all numbers of its records. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as evaluate } from '../../runner/commands/eval.ts';
import { run as merge } from '../../runner/commands/merge.ts';
import { hashFile } from '../../runner/io/hash.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { slowTest } from '../sample.ts';
import { readRecords } from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-shards-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const name = 'small-world-quick';
const small = [
  'evaluation.tokens=2048',
  'evaluation.controlTokens=1024',
  'evaluation.probeTexts=40',
  'evaluation.resamples=40',
  'training.tokens=8192',
  'training.snapshots=bfloat16',
  'validation.tokens=2048',
].map((setting) => `--set=${setting}`);

/** Folders of their own for the whole run (`whole`) and for the shards of one (`parts`). */
function places(test: string, side: string): { runs: string; content: string; words: string[] } {
  const at = join(folder, test, side);
  const [runs, content] = [join(at, 'runs'), join(at, 'content')];
  return { runs, content, words: [`--runs=${runs}`, `--content=${content}`, '--no-site'] };
}

async function asWhole(test: string, ...words: string[]): Promise<void> {
  expect(await evaluate([name, ...words, ...places(test, 'whole').words])).toBe(0);
}

async function asShards(test: string, of: number, ...words: string[]): Promise<void> {
  // In another order than the plan's: whichever begins writes it.
  for (let index = of; index >= 1; index--)
    expect(await evaluate([name, ...words, `--shard=${index}/${of}`, ...places(test, 'parts').words])).toBe(
      0,
    );
}

/** All of a record but when it was made and how long it took. */
function withoutTimes({ provenance, trajectory, ...rest }: EvaluationRecord): unknown {
  const { started: _, wall_seconds: __, ...origin } = provenance;
  const points = trajectory?.points.map(({ tokens_per_second: ___, ...point }) => point);
  return { ...rest, trajectory: trajectory && { ...trajectory, points }, provenance: origin };
}

async function expectEqual(test: string): Promise<EvaluationRecord[]> {
  const [whole, parts] = [places(test, 'whole'), places(test, 'parts')];
  const [a, b] = await Promise.all(
    [whole, parts].map(({ content }) => readRecords(join(content, 'measured', name))),
  );
  expect(b!.map(withoutTimes)).toEqual(a!.map(withoutTimes));
  const files = async (at: string): Promise<Record<string, string>> => {
    const names = (await readdir(join(at, name), { recursive: true })).filter((file) =>
      /sae_.*|val_report\.json$/.test(file),
    );
    const hashes = names
      .sort()
      .map(async (file) => [file, (await hashFile(join(at, name, file))).sha256] as const);
    return Object.fromEntries(await Promise.all(hashes));
  };
  const [own, merged] = [await files(whole.runs), await files(parts.runs)];
  expect(merged).toEqual(own);
  expect((await readdir(join(parts.runs, name))).sort()).toEqual(
    (await readdir(join(whole.runs, name))).sort(),
  );
  return b!;
}

/** What a folder holds, with the times of its files. */
async function contentsOf(at: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of await readdir(at, { recursive: true })) {
    const path = join(at, file);
    if ((await stat(path)).isFile()) found[file] = await readFile(path, 'base64');
  }
  return found;
}

describe('a run in shards', () => {
  it('makes the SAEs and records of one process, and is merged by name', async () => {
    const words = [...small, '--set=layers=[0,4]', '--set=training.shuffle.megabytes=1'];
    const { words: at, content, runs } = places('sweep', 'parts');
    await asWhole('sweep', ...words);
    expect(await evaluate([name, ...words, '--shard=2/2', ...at])).toBe(0);
    // Nothing of it is the report's yet, and the merge says which shard is missing.
    await expect(readdir(content)).rejects.toThrow('ENOENT');
    await expect(merge([name, ...at])).rejects.toThrow('1-of-2 has not begun');
    expect(await merge([name, '--partial', ...at])).toBe(0);
    const [partial, ...others] = await readRecords(join(content, 'measured', name));
    expect(others).toEqual([]);
    expect(partial!.caveats.join()).toContain('1 of 2 shards');
    await expect(readdir(join(runs, name))).rejects.toThrow('ENOENT');

    // A shard that is started otherwise does not begin.
    const other = evaluate([name, ...words, '--set=evaluation.tokens=4096', '--shard=1/2', ...at]);
    await expect(other).rejects.toThrow('other settings (evaluation.tokens)');
    await expect(evaluate([name, ...words, '--shard=1/1', ...at])).rejects.toThrow('number of shards');

    expect(await evaluate([name, ...words, '--shard=1/2', ...at])).toBe(0);
    expect(await merge([name, ...at])).toBe(0);
    await expectEqual('sweep');

    // Live pages are those that one process made.
    const pages = async (half: 'whole' | 'parts') =>
      contentsOf(join(places('sweep', half).content, 'live', name));
    expect(await pages('parts')).toEqual(await pages('whole'));
    expect(Object.keys(await pages('parts'))).toContain(`${name}-l4.json`);

    // Again, it changes nothing; and to eval the run is done.
    const before = await contentsOf(join(folder, 'sweep', 'parts'));
    expect(await merge([name, ...at])).toBe(0);
    expect(await contentsOf(join(folder, 'sweep', 'parts'))).toEqual(before);
    expect(await evaluate([name, ...words, ...at])).toBe(0);
    expect(await contentsOf(join(folder, 'sweep', 'parts'))).toEqual(before);

    // Text that is another under the same name is told by its hash.
    const path = join(runs, `${name}_shards`, '2-of-2', 'records', `${name}-l4.json`);
    const record = JSON.parse(await readFile(path, 'utf8')) as EvaluationRecord;
    record.data!.documents!.sha256 = 'f'.repeat(64);
    await writeFile(path, JSON.stringify(record));
    await expect(merge([name, ...at])).rejects.toThrow('other held-out text');
  });

  slowTest('sweeps of several SAEs a hook, with tokens left out by their norms at all hooks', async () => {
    const words = [
      ...small,
      '--set=layers=[0,2,4]',
      '--set=sweep.k=[8,16]',
      '--set=training.policy.highNorm=drop',
      '--set=training.policy.highNormFactor=1.3',
    ];
    await asWhole('drop', ...words);
    await asShards('drop', 4, ...words);
    expect(await merge([name, ...places('drop', 'parts').words])).toBe(0);
    expect(await expectEqual('drop')).toHaveLength(6);
    const trajectory = await readFile(
      join(places('drop', 'parts').runs, name, 'trajectory_L0_k8.json'),
      'utf8',
    );
    expect(JSON.parse(trajectory).policy.dropped).toBeGreaterThan(0);
  });

  slowTest('evaluations of SAEs of others', async () => {
    const made = places('made', 'whole');
    await asWhole('made', ...small, '--set=sweep.k=[8,16]', '--set=layers=[0,4]');
    const saes = ['L0_k8', 'L4_k8', 'L4_k16'].map(
      (id) => `--sae=${join(made.runs, name, `sae_${id}_latest.safetensors`)}`,
    );
    await asWhole('others', ...small.filter((word) => !word.includes('training')), ...saes);
    await asShards('others', 2, ...small.filter((word) => !word.includes('training')), ...saes);
    expect(await merge([name, ...places('others', 'parts').words])).toBe(0);
    expect(await expectEqual('others')).toHaveLength(3);
  });
});
