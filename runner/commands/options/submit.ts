/** Options of `submit`. */
import { optionLines } from '../option-lines.ts';
import { ANY_WORDS } from '../parse-options.ts';
import { cache, everyVerb, places, runOptions, site } from '../shared-options.ts';

export const engines = ['slurm', 'kubernetes', 'hf-jobs'] as const;

/** What stands in the command of each shard as it stands here. */
export const passed = {
  ...runOptions,
  ...cache,
  ...places,
} as const;

export const options = {
  engine: { type: 'string', help: `what starts the processes: ${engines.join(', ')}` },
  shards: { type: 'string', help: 'how many shards' },
  send: { type: 'boolean', help: 'submit, not only print' },
  status: { type: 'string', help: 'the name of a run: how far its shards are' },
  json: { type: 'boolean', help: 'with --status: print JSON for other programs' },
  gpus: { type: 'string', help: 'GPUs of each shard (default 1; 0 for none)' },
  time: {
    type: 'string',
    help: 'longest time of a shard, as 30m, 12h or 2d; before it ends the state is saved',
  },
  directive: {
    type: 'string',
    multiple: true,
    help: 'Slurm: further option of sbatch, as --directive=--partition=gpu; may be repeated',
  },
  image: { type: 'string', help: 'Kubernetes, Hugging Face Jobs: container image (see Dockerfile)' },
  flavor: { type: 'string', help: 'Hugging Face Jobs: hardware of each shard, as l4x1' },
  claim: {
    type: 'string',
    help: 'Kubernetes: claim of shared storage that pods mount (default interpboard)',
  },
  ...passed,
  ...site,
  ...everyVerb,
} as const;

export const words = ANY_WORDS;

export function help(): string {
  return [
    'usage: npx interpboard submit [preset] --engine ENGINE --shards N [options of eval]',
    '       npx interpboard submit --status NAME',
    '',
    'Prints what starts a run in N shards: for Slurm a script that submits an array and the merge after it, for Kubernetes',
    'the manifests of an Indexed Job and of the merge, for Hugging Face Jobs what is asked of them. With --send it is submitted. Retries are the engine’s;',
    'a shard that is started again goes on from its last checkpoint.',
    '',
    ...optionLines(options),
  ].join('\n');
}
