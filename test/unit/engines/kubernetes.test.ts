import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { type KubernetesJob, kubernetesManifests } from '../../../runner/engines/kubernetes.ts';

const schema = z.fromJSONSchema(
  JSON.parse(
    await readFile(new URL('../../fixtures/kubernetes/job-batch-v1.json', import.meta.url), 'utf8'),
  ) as Parameters<typeof z.fromJSONSchema>[0],
);

const job: KubernetesJob = {
  name: 'my.run-1',
  shards: 12,
  words: ['small-world', '--set=sweep.k=[8,16]'],
  mergeWords: ['--no-site'],
  gpus: 2,
  seconds: 7_200,
  image: 'registry.example/interpboard:1',
  claim: 'shared',
};

function manifests(changes: Partial<KubernetesJob> = {}): Record<string, unknown>[] {
  return parseAllDocuments(kubernetesManifests({ ...job, ...changes })).map(
    (document) => document.toJS() as Record<string, unknown>,
  );
}

describe('manifests of Kubernetes', () => {
  it.each([{}, { gpus: 0, seconds: null, shards: 1 }])(
    'follow the published schema of a Job: %j',
    (changes) => {
      const all = manifests(changes);
      expect(all).toHaveLength(2);
      for (const each of all) expect(schema.safeParse(each).error).toBeUndefined();
    },
  );

  it('are held to the names of that schema', () => {
    const [shards] = manifests();
    const { backoffLimitPerIndex, ...spec } = shards!.spec as Record<string, unknown>;
    expect(backoffLimitPerIndex).toBe(6);
    expect(schema.safeParse({ ...shards, spec: { ...spec, backofLimitPerIndex: 6 } }).success).toBe(false);
    expect(schema.safeParse({ ...shards, spec: { ...spec, completions: '12' } }).success).toBe(false);
  });

  it('have names that a pod’s host name can hold, of every run another', () => {
    const names = ['plain', 'a.b', 'a-b', `${'x'.repeat(55)}.yz1`, 'x'.repeat(60), `${'x'.repeat(59)}y`];
    const all = names.flatMap((name) =>
      manifests({ name, shards: 100_000 }).map(({ metadata }) => (metadata as { name: string }).name),
    );
    expect(all.slice(0, 2)).toEqual(['plain', 'plain-merge']);
    expect(new Set(all).size).toBe(all.length);
    for (const name of all) expect(`${name}-99999`).toMatch(/^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/);
    // As a label the run keeps its own name.
    const [shards] = manifests({ name: names[3]! });
    expect(shards!.metadata).toMatchObject({ labels: { 'interpboard/run': names[3] } });
  });

  it('give every pod its shard, the whole command and the GPUs', () => {
    const [shards, merge] = manifests();
    expect(shards).toMatchObject({
      metadata: { name: expect.stringMatching(/^my-run-1-[0-9a-f]{8}$/) },
      spec: {
        completionMode: 'Indexed',
        completions: 12,
        parallelism: 12,
        template: {
          spec: {
            restartPolicy: 'Never',
            activeDeadlineSeconds: 7_200,
            containers: [
              {
                image: job.image,
                args: [
                  'eval',
                  'small-world',
                  '--set=sweep.k=[8,16]',
                  '--runs=/shared/runs',
                  '--content=/shared/content',
                  '--shard',
                  'auto/12',
                ],
                resources: { limits: { 'nvidia.com/gpu': 2 } },
              },
            ],
            volumes: [{ persistentVolumeClaim: { claimName: 'shared' } }],
          },
        },
      },
    });
    expect(merge).toMatchObject({
      metadata: { name: expect.stringMatching(/^my-run-1-[0-9a-f]{8}-merge$/) },
      spec: { template: { spec: { containers: [{ args: expect.arrayContaining(['merge', 'my.run-1']) }] } } },
    });
  });
});
