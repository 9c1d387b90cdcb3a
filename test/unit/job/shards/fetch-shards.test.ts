import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedError } from '../../../../runner/errors.ts';
import { parseReference } from '../../../../runner/hub/reference.ts';
import { fetchShards } from '../../../../runner/job/shards/fetch-shards.ts';
import { withBench } from '../../../hub/open.ts';

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'interpboard-fetched-'));
});
afterEach(() => rm(runs, { recursive: true, force: true }));

const reference = parseReference('lab/sweep', { exists: () => false, home: '/' });
if (reference.kind !== 'hub') throw new Error('a reference of the hub');
const run = () => ({ runs, name: 'mine', of: 2 });

const whole = {
  'shard/run.json': { text: '{}' },
  'shard/plan.json': { text: '{"a":1}' },
  'shard/records/mine-l0.json': { text: '{}' },
  'shard/sae_L0_latest.safetensors': { text: Buffer.alloc(20_000, 3), lfs: true },
  'README.md': { text: 'what the branch began with' },
};

describe('shards on branches', () => {
  it('are brought to where they would lie, the plan beside them; those that are not done are left', async () => {
    await withBench(async ({ hub, server }) => {
      server.put('lab/sweep', whole, { branch: 'mine-shard-2-of-2' });
      const { 'shard/run.json': _, ...others } = whole;
      server.put('lab/sweep', others, { branch: 'mine-shard-1-of-2' });
      await fetchShards(hub, reference, run());
      expect((await readdir(join(runs, 'mine_shards'))).sort()).toEqual(['2-of-2', 'plan.json']);
      const at = join(runs, 'mine_shards', '2-of-2');
      expect((await readdir(at)).sort()).toEqual([
        'plan.json',
        'records',
        'run.json',
        'sae_L0_latest.safetensors',
      ]);
      expect(await readFile(join(at, 'sae_L0_latest.safetensors'))).toEqual(Buffer.alloc(20_000, 3));
      expect(await readFile(join(runs, 'mine_shards', 'plan.json'), 'utf8')).toBe('{"a":1}');
    });
  });

  it('that are here stay as they are, done or not, and nothing is asked of them', async () => {
    await withBench(async ({ hub, server }) => {
      for (const index of [1, 2]) server.put('lab/sweep', whole, { branch: `mine-shard-${index}-of-2` });
      const at = join(runs, 'mine_shards', '1-of-2');
      await mkdir(at, { recursive: true });
      await writeFile(join(at, 'run.json'), 'at work');
      await fetchShards(hub, reference, run());
      expect(await readdir(at)).toEqual(['run.json']);
      expect(await readFile(join(at, 'run.json'), 'utf8')).toBe('at work');
      expect(await readdir(join(runs, 'mine_shards', '2-of-2'))).toContain('records');
      expect(server.requests.filter(({ address }) => address.includes('mine-shard-1-of-2'))).toEqual([]);
    });
  });

  it('that were cut off go on, and of another commit take nothing', async () => {
    await withBench(async ({ hub, server }) => {
      const put = (byte: number) =>
        server.put(
          'lab/sweep',
          { ...whole, 'shard/sae_L0_latest.safetensors': { text: Buffer.alloc(20_000, byte), lfs: true } },
          { branch: 'mine-shard-1-of-2' },
        );
      const first = put(1);
      const stop = new AbortController();
      server.onRequest = ({ host }) => host === 'cdn' && stop.abort();
      await expect(fetchShards(hub, reference, run(), stop.signal)).rejects.toThrow();
      server.onRequest = () => undefined;
      const folder = join(runs, 'mine_shards');
      // Under no name that a shard has, and under that of its commit.
      expect(await readdir(folder)).toEqual([`fetched-1-of-2-${first}`]);
      put(2);
      await fetchShards(hub, reference, run());
      expect(await readFile(join(folder, '1-of-2', 'sae_L0_latest.safetensors'))).toEqual(
        Buffer.alloc(20_000, 2),
      );
      expect((await readdir(folder)).sort()).toEqual(['1-of-2', 'plan.json']);
    });
  });

  it.each([
    'shard/../../evil.json',
    'shard/records/../../../evil.json',
    'shard/checkpoints/state.json',
    'shard/lock',
    'shard/sae_/../../evil',
    'shard/snapshots/step-1/../evil',
    'shard/.bashrc',
  ])('with a file %s are refused before anything is written', async (path) => {
    await withBench(async ({ hub, server }) => {
      server.put('lab/sweep', { ...whole, [path]: { text: 'x' } }, { branch: 'mine-shard-1-of-2' });
      await expect(fetchShards(hub, reference, run())).rejects.toThrow(MalformedError);
      expect(existsSync(join(runs, 'mine_shards'))).toBe(false);
    });
  });

  it('that are nowhere yet are no error, and leave nothing', async () => {
    await withBench(async ({ hub, server }) => {
      await expect(fetchShards(hub, reference, run())).resolves.toBeUndefined();
      expect(existsSync(join(runs, 'mine_shards'))).toBe(false);
      expect(server.requests.length).toBeGreaterThan(0);
    });
  });
});
