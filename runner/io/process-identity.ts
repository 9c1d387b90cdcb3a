/** Who a process is, so that another one, here or on another machine, can tell whether it still runs. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** What a process is told by; another one stands for another machine in tests. */
export interface Machine {
  /**
   * Its name as far as process numbers have a meaning: host name, its start, and (as containers on one host count
   * processes on their own) the namespace of the numbers.
   */
  host: string;
  pid: number;
  /**
   * Start of a process that runs, in the system's own words: tells it from a later one with its number. Empty where
   * unknown, undefined where none has this number.
   */
  startOf(pid: number): string | undefined;
}

export const thisMachine: Machine = { host: hostOf(), pid: process.pid, startOf };

const TOKEN = /^([0-9a-f]{8})-(\d{1,10})-([0-9a-f]{8})[0-9a-f]{8}$/;
let own: string | undefined;

/** A word that no other call gives, and that says which process it was: `<machine>-<pid>-<start><random>`. */
export function processToken(machine: Machine = thisMachine): string {
  if (machine === thisMachine) own ??= startOf(process.pid);
  const started = machine === thisMachine ? own : machine.startOf(machine.pid);
  const random = randomBytes(4).toString('hex');
  return `${shortHash(machine.host)}-${machine.pid}-${shortHash(started ?? '')}${random}`;
}

/** Whether a token's process runs: null where it is of another machine (or no token), and only time can tell. */
export function isRunning(token: string, machine: Machine = thisMachine): boolean | null {
  const [, host, pid, start] = TOKEN.exec(token) ?? [];
  if (host !== shortHash(machine.host)) return null;
  const started = machine.startOf(Number(pid));
  if (started === undefined) return false;
  return started === '' || start === shortHash('') || shortHash(started) === start;
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
