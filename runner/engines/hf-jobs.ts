/** A run in shards as Hugging Face Jobs: one job for each shard, results and state through the hub. */
import type { ShardJob } from './shard-job.ts';

export interface HubJobs extends ShardJob {
  /** Made from the Dockerfile, and where anybody may fetch it. */
  image: string;
  /** Hardware, as l4x1. */
  flavor: string;
  /** Of each shard; the service ends jobs after half an hour where nothing is said. */
  seconds: number;
}

/** What is asked of the service for one shard, besides the token. */
export interface HubJob {
  dockerImage: string;
  command: string[];
  flavor: string;
  timeoutSeconds: number;
  attempts: number;
  labels: Record<string, string>;
}

/** A job that fails is started again so often; it goes on from the state that its repository holds. */
const ATTEMPTS = 4;

/** Where the program lies in the image (see Dockerfile). */
const PROGRAM = ['node', '/interpboard/runner/launch.mjs', 'runner/cli.ts'];

export function hubJobs(job: HubJobs): HubJob[] {
  return Array.from({ length: job.shards }, (_, i): HubJob => {
    const shard = `${i + 1}/${job.shards}`;
    return {
      dockerImage: job.image,
      command: [...PROGRAM, 'eval', ...job.words, '--shard', shard],
      flavor: job.flavor,
      timeoutSeconds: job.seconds,
      attempts: ATTEMPTS,
      labels: { interpboard: job.name, shard: `${i + 1}-of-${job.shards}` },
    };
  });
}
