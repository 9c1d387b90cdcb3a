import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
