/** `submit`: a run in shards as jobs of an engine, printed or sent; and how far they are. */

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadSuites } from '../config/own-suites.ts';
import { resolveRun } from '../config/resolve.ts';
import type { RunConfig } from '../config/run-config.ts';
import { type HubJobs, hubJobs } from '../engines/hf-jobs.ts';
import { kubernetesManifests } from '../engines/kubernetes.ts';
import type { ShardJob } from '../engines/shard-job.ts';
import { type SlurmJob, slurmArray, slurmMerge, slurmScript } from '../engines/slurm.ts';
import { quote, UnavailableError, UserError } from '../errors.ts';
import { openHubHere } from '../hub/here.ts';
import { startJob } from '../hub/jobs.ts';
import { parseReference } from '../hub/reference.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import { shardsFolder } from '../job/shards/shard-plan.ts';
import { runStatus } from '../job/shards/status.ts';
import { trainedSaes } from '../job/shared/planned-saes.ts';
import { counted } from '../report/counted.ts';
import { checkUpload } from './check-upload.ts';
import { engines, options, passed, words } from './options/submit.ts';
import { optionWords, parseOptions, refuseIdleOptions } from './parse-options.ts';
import { programRoot, projectFolder } from './paths.ts';
import { duration } from './progress.ts';
import { wholeNumber } from './whole-number.ts';

type Values = ReturnType<typeof parseOptions<typeof options>>['values'];

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('submit', args, options, words);
  const runs = projectFolder('runs', values.runs);
  refuseIdleOptions(values, [['json', values.status !== undefined, '--status']]);
  if (values.status !== undefined) return printStatus(values.status, runs, values.json ?? false);
  const engine = engines.find((each) => each === values.engine);
  if (engine === undefined) throw wrong('--engine', values.engine, `one of ${engines.join(', ')}`);
  refuseIdleOptions(values, [
    ['gpus', engine !== 'hf-jobs', '--engine slurm or kubernetes: --flavor says the hardware'],
    ['directive', engine === 'slurm', '--engine slurm'],
    ['image', engine !== 'slurm', '--engine kubernetes or hf-jobs'],
    ['flavor', engine === 'hf-jobs', '--engine hf-jobs'],
    ['claim', engine === 'kubernetes', '--engine kubernetes'],
  ]);
  const suites = await loadSuites(values.suite ?? []);
  const config = await resolveRun(positionals, { ...values, suites });
  const shards = wholeNumber('submit', '--shards', values.shards, { most: 999_999 });
  // How many SAEs a name of others stands for is known when they are located.
  const saes = config.saes.length > 0 ? Number.POSITIVE_INFINITY : trainedSaes(config).length;
  if (shards > saes) throw wrong('--shards', values.shards, `at most ${saes}: one for each SAE`);
  const job: ShardJob = {
    name: config.name,
    shards,
    words: [...positionals, ...optionWords(picked(values, Object.keys(passed) as (keyof typeof passed)[]))],
    mergeWords: optionWords(picked(values, ['runs', 'content', 'out', 'no-site'])),
    gpus:
      values.gpus === undefined
        ? 1
        : wholeNumber('submit', '--gpus', values.gpus, { least: 0, most: 999_999 }),
    seconds: values.time === undefined ? null : secondsOf(values.time),
  };
  switch (engine) {
    case 'slurm':
      return submitSlurm(
        { ...job, program: programRoot, folder: process.cwd(), directives: values.directive ?? [] },
        runs,
        values.send ?? false,
      );
    case 'kubernetes':
      return submitKubernetes(
        {
          ...job,
          ...withoutPlaces(job),
          image: needed('--image', values.image),
          claim: values.claim ?? 'interpboard',
        },
        values.send ?? false,
      );
    case 'hf-jobs':
      return submitHubJobs(
        {
          ...job,
          ...withoutPlaces(job),
          image: needed('--image', values.image),
          flavor: needed('--flavor', values.flavor),
          seconds: secondsOf(needed('--time', values.time)),
        },
        config,
        values.send ?? false,
      );
    default:
      return engine satisfies never;
  }
}

async function submitSlurm(job: Omit<SlurmJob, 'logs'>, runs: string, send: boolean): Promise<number> {
  const folder = shardsFolder(runs, job.name);
  const logs = join(folder, 'logs');
  const files = { array: join(folder, 'shards.sh'), merge: join(folder, 'merge.sh') };
  const whole: SlurmJob = { ...job, logs };
  if (!send) {
    console.log(slurmScript(whole, files));
    return 0;
  }
  await mkdir(logs, { recursive: true });
  await writeAtomic(files.array, slurmArray(whole));
  await writeAtomic(files.merge, slurmMerge(whole));
  const array = await sbatch(files.array);
  const merge = await sbatch(`--dependency=afterany:${array}`, files.merge);
  console.log(
    `submitted  ${counted(job.shards, 'shard')} of ${job.name} as array ${array}, merge as job ${merge}`,
  );
  console.log(`logs       ${logs}`);
  console.log(`status     npx interpboard submit --status ${job.name}`);
  return 0;
}

/** @returns the job's number */
async function sbatch(...words: string[]): Promise<string> {
  const out = await started('sbatch', ['--parsable', ...words], 'Slurm’s commands on this machine');
  // Followed by the cluster's name where there are several.
  return out.trim().replace(/;.*$/, '');
}

async function submitKubernetes(
  job: Parameters<typeof kubernetesManifests>[0],
  send: boolean,
): Promise<number> {
  const manifests = kubernetesManifests(job);
  if (!send) {
    console.log(manifests);
    return 0;
  }
  console.log(
    await started('kubectl', ['apply', '-f', '-'], 'kubectl, and a cluster it is set up for', manifests),
  );
  return 0;
}

/** Results come through the run's repository: jobs share no storage. */
async function submitHubJobs(job: HubJobs, config: RunConfig, send: boolean): Promise<number> {
  const { repository } = config.upload;
  const reference = parseReference(needed('--set upload.repository', repository ?? undefined), {
    exists: () => false,
    home: homedir(),
  });
  if (reference.kind !== 'hub')
    throw wrong('--set upload.repository', repository ?? undefined, 'owner/name on the hub');
  const specs = hubJobs(job);
  if (!send) {
    console.log(JSON.stringify(specs, null, 2));
    return 0;
  }
  await checkUpload(config, true);
  const hub = await openHubHere();
  for (const spec of specs) {
    const { page } = await startJob(hub, reference, spec);
    console.log(`started    shard ${spec.labels.shard}: ${page}`);
  }
  console.log(
    `merge      npx interpboard merge ${job.name} --from ${reference.repo} --shards ${job.shards}, when they are done`,
  );
  return 0;
}

/** What another program prints. */
async function started(
  program: string,
  words: readonly string[],
  expected: string,
  input?: string,
): Promise<string> {
  try {
    const running = promisify(execFile)(program, words);
    running.child.stdin?.end(input);
    return (await running).stdout;
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { stderr?: string };
    throw new UnavailableError(
      {
        thing: program,
        found: code === 'ENOENT' ? 'no such program' : (stderr ?? '').trim().slice(0, 500) || String(code),
        expected,
        next: 'Leave --send out to get the text, and submit it where that works.',
      },
      { cause },
    );
  }
}

/** In a container results lie where the claim is mounted, wherever they lie here. */
function withoutPlaces({ words, mergeWords }: ShardJob): Pick<ShardJob, 'words' | 'mergeWords'> {
  const kept = (all: readonly string[]): string[] =>
    all.filter((word) => !/^--(?:runs|content|out)=/.test(word));
  return { words: kept(words), mergeWords: kept(mergeWords) };
}

async function printStatus(name: string, runs: string, json: boolean): Promise<number> {
  const status = await runStatus(runs, name);
  if (status === undefined) {
    throw new UserError({
      thing: `run ${name}`,
      found: `no shards in ${shardsFolder(runs, name)}`,
      expected: 'a run whose first shard has begun',
      next: 'Check the name, or where the run folders are (--runs); the queue is the engine’s to show.',
    });
  }
  if (json) {
    console.log(JSON.stringify(status, null, 2));
    return 0;
  }
  const { shards, eta } = status;
  const counts = new Map<string, number>();
  for (const { state } of shards) counts.set(state, (counts.get(state) ?? 0) + 1);
  console.log(
    `${name}: ${counted(shards.length, 'shard')}, ${[...counts].map(([state, count]) => `${count} ${state}`).join(', ')}`,
  );
  for (const { index, saes, state, note, seconds, trained } of shards) {
    const share = trained === null ? '' : ` ${Math.floor(100 * trained)} %`;
    const time = seconds === 0 ? '' : duration(seconds);
    const fields = [
      String(index).padStart(5),
      state.padEnd(9),
      counted(saes, 'SAE').padEnd(9),
      time.padEnd(9),
      `${note}${share}`,
    ];
    console.log(fields.join('  ').trimEnd());
  }
  if (eta !== null && eta > 0) console.log(`about ${duration(eta)} left with the shards that run now`);
  return 0;
}

/** Of the options those of these names. */
function picked(values: Values, names: readonly (keyof Values)[]): Partial<Values> {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

function secondsOf(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6}(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const seconds = Number(number) * ({ s: 1, m: 60, h: 3_600, d: 86_400 }[unit] ?? Number.NaN);
  if (seconds > 0) return Math.round(seconds);
  throw wrong('--time', text, 'a time, as 30m, 12h or 2d');
}

function needed(name: string, text: string | undefined): string {
  if (text !== undefined && text !== '') return text;
  throw wrong(name, text, 'a value for this engine');
}

function wrong(thing: string, found: string | undefined, expected: string): UserError {
  return new UserError({
    thing,
    found: found === undefined ? 'nothing' : quote(found),
    expected,
    next: 'Run npx interpboard submit --help.',
  });
}
