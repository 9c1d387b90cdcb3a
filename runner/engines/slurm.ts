/** A run in shards as jobs of Slurm: an array with a task for each shard, and a job that merges them. */
import { shellWord } from '../report/shell-word.ts';
import { type ShardJob, WARNING_SECONDS } from './shard-job.ts';

export interface SlurmJob extends ShardJob {
  /** The program's folder, and the one it is called from: both as the nodes see them. */
  program: string;
  folder: string;
  /** Where tasks write what they print; `%a` is the shard. */
  logs: string;
  /** Further options of sbatch, such as --partition=gpu. */
  directives: readonly string[];
}

/**
 * The array. Slurm signals a task before its time is over and kills it then, and does not start it again by itself: the
 * script passes the signal on, waits for the state to be saved, and asks for the task to be queued again. A node that
 * is lost is Slurm's own reason to do so.
 */
export function slurmArray(job: SlurmJob): string {
  const { shards, name, gpus, seconds } = job;
  const options = [
    `--job-name=${name}`,
    // The number is the shard's: some of them can be started again, as in sbatch --array=3,5.
    `--array=1-${shards}`,
    '--requeue',
    '--open-mode=append',
    `--output=${job.logs}/%a.log`,
    '--nodes=1',
    '--ntasks=1',
    ...(gpus > 0 ? [`--gres=gpu:${gpus}`] : []),
    ...(seconds === null ? [] : [`--time=${clock(seconds)}`]),
    `--signal=B:USR2@${warning(seconds)}`,
    ...job.directives,
  ];
  return [
    '#!/usr/bin/env bash',
    ...options.map((option) => `#SBATCH ${option}`),
    'set -u',
    `cd ${shellWord(job.folder)} || exit 4`,
    'stopped=0',
    `trap 'stopped=1; kill -USR2 "$shard" 2>/dev/null' USR2`,
    `${program(job, 'eval', job.words)} --shard "$SLURM_ARRAY_TASK_ID/${shards}" &`,
    'shard=$!',
    'while :; do',
    '  wait "$shard"',
    '  code=$?',
    '  kill -0 "$shard" 2>/dev/null || break',
    'done',
    'if [ "$stopped" = 1 ] && [ "$code" != 0 ]; then',
    `  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"`,
    'fi',
    'exit "$code"',
    '',
  ].join('\n');
}

/** The merge, which waits for all tasks to end, however they do, and refuses by name what is missing. */
export function slurmMerge(job: SlurmJob): string {
  const options = [
    `--job-name=${job.name}-merge`,
    '--open-mode=append',
    `--output=${job.logs}/merge.log`,
    '--nodes=1',
    '--ntasks=1',
    ...job.directives,
  ];
  return [
    '#!/usr/bin/env bash',
    ...options.map((option) => `#SBATCH ${option}`),
    `cd ${shellWord(job.folder)} || exit 4`,
    `exec ${program(job, 'merge', [job.name, ...job.mergeWords])}`,
    '',
  ].join('\n');
}

/** Both and the commands that submit them, for a shell. */
export function slurmScript(job: SlurmJob, files: { array: string; merge: string }): string {
  const heredoc = (file: string, text: string): string[] => [
    `cat > ${shellWord(file)} <<'END'`,
    `${text}END`,
  ];
  return [
    `mkdir -p ${shellWord(job.logs)}`,
    ...heredoc(files.array, slurmArray(job)),
    ...heredoc(files.merge, slurmMerge(job)),
    `shards=$(sbatch --parsable ${shellWord(files.array)}) &&`,
    `sbatch --dependency=afterany:"\${shards%%;*}" ${shellWord(files.merge)}`,
    '',
  ].join('\n');
}

function program({ program }: SlurmJob, verb: string, words: readonly string[]): string {
  const files = [`${program}/runner/interpboard.mjs`, verb];
  return ['node', ...files, ...words].map(shellWord).join(' ');
}

/** Of a short time no more than a quarter. */
function warning(seconds: number | null): number {
  return seconds === null ? WARNING_SECONDS : Math.min(WARNING_SECONDS, Math.ceil(seconds / 4));
}

/** Seconds as D-HH:MM:SS. */
function clock(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${Math.floor(seconds / 86_400)}-${two((seconds % 86_400) / 3_600)}:${two((seconds % 3_600) / 60)}:${two(seconds % 60)}`;
}
