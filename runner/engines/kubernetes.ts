/** A run in shards as jobs of Kubernetes: an Indexed Job with a pod for each shard, and a job that merges them. */
import { stringify } from 'yaml';
import { sha256 } from '../io/hash.ts';
import { type ShardJob, WARNING_SECONDS } from './shard-job.ts';

export interface KubernetesJob extends ShardJob {
  /** Made from the Dockerfile. */
  image: string;
  /** A claim of storage that all pods mount: run folders, caches and records. */
  claim: string;
}

/** Where the claim is mounted: the image keeps its caches there (see Dockerfile), and jobs their results. */
const SHARED = '/shared';
/** A part of a host name has 63 characters; a pod's is the name of its Job and the number of its shard. */
const LABEL = 63 - '-999999'.length;
const PLACES = [`--runs=${SHARED}/runs`, `--content=${SHARED}/content`];

/** How often the pod of one shard is started again for its own failures; what the cluster takes away does not count. */
const RETRIES = 6;

/** @returns manifests for kubectl apply, as YAML */
export function kubernetesManifests(job: KubernetesJob): string {
  return [shardsManifest(job), mergeManifest(job)]
    .map((each) => stringify(each, { lineWidth: 0 }))
    .join('---\n');
}

/**
 * Each pod reads which shard it is from JOB_COMPLETION_INDEX. One that is evicted is told by SIGTERM and saves its state
 * in the time it is given. Exit codes 2 and 3, a mistake in the command and a malformed file, fail a shard at once: to
 * try again would not help.
 */
function shardsManifest(job: KubernetesJob): object {
  const gpu = job.gpus > 0 ? { resources: { limits: { 'nvidia.com/gpu': job.gpus } } } : {};
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: resourceName(job.name, ''), labels: labelsOf(job) },
    spec: {
      completionMode: 'Indexed',
      completions: job.shards,
      parallelism: job.shards,
      backoffLimitPerIndex: RETRIES,
      // Shards that fail for good are named by the merge: the others go on.
      maxFailedIndexes: job.shards,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailIndex', onExitCodes: { containerName: 'shard', operator: 'In', values: [2, 3] } },
        ],
      },
      template: {
        metadata: { labels: labelsOf(job) },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: WARNING_SECONDS,
          ...(job.seconds === null ? {} : { activeDeadlineSeconds: job.seconds }),
          containers: [
            {
              ...container(job, 'shard', ['eval', ...job.words, ...PLACES, '--shard', `auto/${job.shards}`]),
              ...gpu,
            },
          ],
          volumes: volumes(job),
        },
      },
    },
  };
}

/** Tried again, ever more slowly, until all shards are done. */
function mergeManifest(job: KubernetesJob): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: resourceName(job.name, '-merge'), labels: labelsOf(job) },
    spec: {
      backoffLimit: 10_000,
      template: {
        metadata: { labels: labelsOf(job) },
        spec: {
          restartPolicy: 'OnFailure',
          containers: [
            container(job, 'merge', [
              'merge',
              job.name,
              ...job.mergeWords,
              ...PLACES,
              `--out=${SHARED}/dist`,
            ]),
          ],
          volumes: volumes(job),
        },
      },
    },
  };
}

function container({ image }: KubernetesJob, name: string, args: readonly string[]): object {
  return { name, image, args: [...args], volumeMounts: [{ name: 'shared', mountPath: SHARED }] };
}

function volumes({ claim }: KubernetesJob): object[] {
  return [{ name: 'shared', persistentVolumeClaim: { claimName: claim } }];
}

function labelsOf({ name }: ShardJob): Record<string, string> {
  return { 'app.kubernetes.io/name': 'interpboard', 'interpboard/run': name };
}

/**
 * A name of a run may be too long for a resource, and hold dots, which the host name of a Job's pods may not. One that is
 * changed ends in a hash: `a.b` and `a-b` are two runs.
 */
function resourceName(run: string, ending: string): string {
  const room = LABEL - ending.length;
  if (!run.includes('.') && run.length <= room) return `${run}${ending}`;
  const hash = `-${sha256(run).slice(0, 8)}`;
  const kept = run
    .replaceAll('.', '-')
    .slice(0, room - hash.length)
    .replace(/-+$/, '');
  return `${kept}${hash}${ending}`;
}
