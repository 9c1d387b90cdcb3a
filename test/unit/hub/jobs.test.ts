import { describe, expect, it } from 'vitest';
import { hubJobs } from '../../../runner/engines/hf-jobs.ts';
import { UnavailableError, UserError } from '../../../runner/errors.ts';
import { startJob } from '../../../runner/hub/jobs.ts';
import { parseReference } from '../../../runner/hub/reference.ts';
import { Secret } from '../../../runner/hub/settings.ts';
import { TOKEN, withBench } from '../../hub/open.ts';

const specs = hubJobs({
  name: 'mine',
  shards: 3,
  words: ['small-world', '--set=sweep.k=[8,16]'],
  mergeWords: [],
  gpus: 1,
  seconds: 3_600,
  image: 'lab/interpboard:1',
  flavor: 'l4x1',
});
const reference = parseReference('lab/sweep', { exists: () => false, home: '/' });
if (reference.kind !== 'hub') throw new Error('a reference of the hub');

describe('Hugging Face Jobs', () => {
  it('are one job for each shard, with the whole command', async () => {
    await withBench(async ({ server, with: change }) => {
      const hub = change({ token: new Secret(TOKEN) });
      const started = [];
      for (const spec of specs) started.push(await startJob(hub, reference, spec));
      expect(started.map(({ page }) => page)).toEqual(
        [1, 2, 3].map((i) => `${server.url}/jobs/lab/job-${i}`),
      );
      expect(server.jobs.map(({ namespace, body }) => [namespace, body.command])).toEqual(
        [1, 2, 3].map((i) => [
          'lab',
          [
            ...['node', '/interpboard/runner/launch.mjs', 'runner/cli.ts', 'eval', 'small-world'],
            ...['--set=sweep.k=[8,16]', '--shard', `${i}/3`],
          ],
        ]),
      );
      expect(server.jobs[1]!.body).toMatchObject({
        dockerImage: 'lab/interpboard:1',
        flavor: 'l4x1',
        timeoutSeconds: 3_600,
        secrets: { HF_TOKEN: TOKEN },
        labels: { interpboard: 'mine', shard: '2-of-3' },
      });
    });
  });

  it('are never asked for twice: a lost answer is said to be one', async () => {
    await withBench(async ({ server, with: change }) => {
      const hub = change({ token: new Secret(TOKEN) });
      server.faults.push({ on: 'hub/api/jobs/', does: { kind: 'lost' }, times: 1 });
      const asked = startJob(hub, reference, specs[0]!);
      await expect(asked).rejects.toThrow(UnavailableError);
      await expect(asked).rejects.toThrow('it may have been started or not');
      expect(server.jobs).toHaveLength(1);
    });
  });

  it('need a token', async () => {
    await withBench(async ({ hub, server }) => {
      await expect(startJob(hub, reference, specs[0]!)).rejects.toThrow(UserError);
      expect(server.requests).toEqual([]);
    });
  });
});
