/** Who a process is, so that another one, here or on another machine, can tell whether it still runs. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  /**
   * Name of the machine as far as process numbers have a meaning: host name, its start, and (as containers on one host
   * count processes on their own) the namespace of the numbers.
   */
  host: string;
  pid: number;
  /** When the process started, in the system's own words: tells it from a later one with its number. Empty where unknown. */
  started: string;
}

/** What an identity is made from and held to; another one stands for another machine in tests. */
export interface Machine {
  host: string;
  pid: number;
  /** Start of a process that runs; undefined where none has this number. */
  startOf(pid: number): string | undefined;
}

export const thisMachine: Machine = { host: hostOf(), pid: process.pid, startOf };

let own: string | undefined;

export function identityOf(machine: Machine): ProcessIdentity {
  if (machine === thisMachine) own ??= startOf(process.pid);
  const started = machine === thisMachine ? own : machine.startOf(machine.pid);
  return { host: machine.host, pid: machine.pid, started: started ?? '' };
}

/** Whether a process runs: null where it is of another machine, and only its heartbeat can tell. */
export function isRunning(process: ProcessIdentity, machine: Machine): boolean | null {
  if (process.host !== machine.host) return null;
  const started = machine.startOf(process.pid);
  if (started === undefined) return false;
  return started === '' || process.started === '' || started === process.started;
}

/** So few digits tell the machines that share a folder apart. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function hostOf(): string {
  if (process.platform !== 'linux') return hostname();
  const words = [hostname()];
  try {
    words.push(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8));
    words.push(readlinkSync('/proc/self/ns/pid').replace(/\D/g, ''));
  } catch {
    // A system without them: the name has to do.
  }
  return words.join(' ');
}

function startOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === 'linux') {
    try {
      // Field 22; the second one, the program's name in brackets, may itself hold spaces and brackets.
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended; it only waits for its parent to look.
      return state === 'Z' || state === 'X' ? undefined : fields[18];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    }
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  if (process.platform === 'win32') return '';
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}
