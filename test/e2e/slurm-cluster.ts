/**
 * A Slurm of its own for a test: controller, two nodes of one core each on this host, and munge between them, all in a
 * temporary folder. Needs Debian's slurm-wlm and munge, and root (slurmd changes users).
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { access, chmod, mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a machine lacks for it; null where nothing. */
export function lackedForSlurm(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  try {
    execFileSync('sh', ['-c', 'command -v slurmctld slurmd sbatch munged mungekey']);
    return null;
  } catch {
    return 'needs slurmctld: apt-get install slurm-wlm munge';
  }
}

export interface Cluster {
  environment: Record<string, string>;
  /** Runs a command of Slurm, or gives it up after so long. @returns what it prints */
  command(program: string, words: readonly string[], patience?: number): Promise<string>;
  /** The tasks of arrays and other jobs, by `<array>_<task>` or number. */
  jobs(): Promise<{ name: string; id: string; state: string; node: string }[]>;
  /** Ends a node at once with all that runs there, as a loss of power does. */
  lose(node: string): Promise<void>;
  restore(node: string): void;
  stop(): Promise<void>;
}

const NODES = ['one', 'two'] as const;

/** So many numbers apart from those of any other Slurm here, whose processes are not to be touched. */
const FIRST_JOB = 4_000_000 + process.pid;

export async function startCluster(folder: string): Promise<Cluster> {
  for (const name of ['state', 'spool', 'log']) await mkdir(join(folder, name), { recursive: true });
  await chmod(folder, 0o755);
  const [controller, ...ports] = await freePorts(1 + NODES.length);
  const host = hostname().replace(/\..*$/, '');
  const socket = join(folder, 'munge.sock');
  const file = join(folder, 'slurm.conf');
  await writeFile(
    file,
    [
      'ClusterName=test',
      `SlurmctldHost=${host}(127.0.0.1)`,
      `SlurmctldPort=${controller}`,
      'SlurmUser=root',
      'SlurmdUser=root',
      'AuthType=auth/munge',
      'CredType=cred/munge',
      // A job that is queued again waits until its old credential is void: two minutes otherwise.
      `AuthInfo=socket=${socket},cred_expire=5`,
      `StateSaveLocation=${join(folder, 'state')}`,
      `SlurmdSpoolDir=${join(folder, 'spool', '%n')}`,
      `SlurmctldPidFile=${join(folder, 'slurmctld.pid')}`,
      `SlurmdPidFile=${join(folder, '%n.pid')}`,
      `SlurmctldLogFile=${join(folder, 'log', 'slurmctld.log')}`,
      `SlurmdLogFile=${join(folder, 'log', '%n.log')}`,
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'JobAcctGatherType=jobacct_gather/none',
      'AccountingStorageType=accounting_storage/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core',
      'MpiDefault=none',
      'SwitchType=switch/none',
      'ReturnToService=2',
      'JobRequeue=1',
      'SlurmdTimeout=10',
      'KillWait=5',
      'MinJobAge=36000',
      `FirstJobId=${FIRST_JOB}`,
      'SchedulerParameters=sched_interval=2,bf_interval=2',
      ...NODES.map(
        (node, i) => `NodeName=${node} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[i]} CPUs=1`,
      ),
      `PartitionName=all Nodes=${NODES.join(',')} Default=YES MaxTime=INFINITE State=UP`,
      '',
    ].join('\n'),
  );
  const environment = { SLURM_CONF: file };
  const daemons = new Map<string, ChildProcess>();
  const start = (name: string, program: string, words: readonly string[]): void => {
    daemons.set(name, spawn(program, words, { env: { ...process.env, ...environment }, stdio: 'ignore' }));
  };
  await run('mungekey', ['--create', `--keyfile=${join(folder, 'munge.key')}`]);
  start('munged', 'munged', [
    '--foreground',
    '--force',
    '--num-threads=1',
    `--key-file=${join(folder, 'munge.key')}`,
    `--socket=${socket}`,
    `--pid-file=${join(folder, 'munged.pid')}`,
    `--seed-file=${join(folder, 'munged.seed')}`,
    `--log-file=${join(folder, 'log', 'munged.log')}`,
  ]);
  while ((await access(socket).catch(() => 'none')) === 'none') await wait(100);
  start('slurmctld', 'slurmctld', ['-D', '-i']);
  const restore = (node: string): void => start(node, 'slurmd', ['-D', '-N', node]);
  NODES.forEach(restore);

  const command: Cluster['command'] = async (program, words, patience = 600_000) => {
    const env = { ...process.env, ...environment };
    const { stdout } = await run(program, [...words], { env, timeout: patience, killSignal: 'SIGKILL' });
    return stdout;
  };

  async function jobs(): ReturnType<Cluster['jobs']> {
    const lines = (await command('squeue', ['-h', '-r', '-t', 'all', '-o', '%i %A %T %N']))
      .trim()
      .split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', id = '', state = '', node = ''] = line.split(' ');
        return { name, id, state, node };
      });
  }

  async function endTree(root: number): Promise<void> {
    const lines = (await run('ps', ['-eo', 'pid=,ppid='])).stdout.trim().split('\n');
    const parents = new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
    const under = (pid: number): boolean =>
      pid === root || (parents.has(pid) && pid > 1 && under(parents.get(pid)!));
    for (const pid of [...parents.keys()].filter(under)) end(pid);
  }

  const cluster: Cluster = {
    environment,
    command,
    jobs,
    async lose(node) {
      daemons.get(node)!.kill('SIGKILL');
      const here = (await jobs()).filter((job) => job.node === node && job.state === 'RUNNING');
      for (const { id } of here) {
        const lines = (await run('ps', ['-eo', 'pid=,args='])).stdout.split('\n');
        for (const line of lines) {
          const [, pid, step] = /^\s*(\d+) slurmstepd: \[(\d+)\./.exec(line) ?? [];
          if (step === id) await endTree(Number(pid));
        }
      }
    },
    restore,
    async stop() {
      await command('scancel', ['--user=root'], 30_000).catch(() => undefined);
      await until(
        async () => (await jobs()).every(({ state }) => state !== 'RUNNING' && state !== 'COMPLETING'),
        30_000,
      );
      // Munge last: the others end in good order with it.
      for (const name of [...NODES, 'slurmctld', 'munged']) {
        const daemon = daemons.get(name)!;
        if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
        const ended = new Promise((resolve) => daemon.once('exit', resolve));
        daemon.kill('SIGTERM');
        const late = setTimeout(() => daemon.kill('SIGKILL'), 10_000);
        await ended;
        clearTimeout(late);
      }
    },
  };
  const idle = async (): Promise<boolean> =>
    (await command('sinfo', ['-h', '-N', '-o', '%T']).catch(() => '')).trim() ===
    NODES.map(() => 'idle').join('\n');
  await until(idle, 120_000);
  return cluster;
}

/** @returns whether it came to hold in time */
async function until(holds: () => Promise<boolean>, patience: number): Promise<boolean> {
  const end = performance.now() + patience;
  while (performance.now() < end) {
    if (await holds().catch(() => false)) return true;
    await wait(300);
  }
  return false;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
