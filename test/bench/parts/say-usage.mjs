/** Loaded into each process of a run that is measured (`bench demo`): it notes what the process has used, at each line that it prints and at its end. */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Of Linux: hundredths of a second. */
const TICKS = 100;

function threads() {
  if (process.platform !== 'linux') return {};
  const of = {};
  for (const id of readdirSync('/proc/self/task')) {
    try {
      const [user, system] = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
        .split(') ')[1]
        .split(' ')
        .slice(11, 13);
      of[id] = (Number(user) + Number(system)) / TICKS;
    } catch {
      // It ended meanwhile.
    }
  }
  return of;
}

function say(stage) {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const line = {
    pid: process.pid,
    stage,
    cpu: (userCPUTime + systemCPUTime) / 1e6,
    threads: threads(),
    peak: maxRSS * 1024,
  };
  appendFileSync(process.env.INTERPBOARD_BENCH_SAID, `${JSON.stringify(line)}\n`);
}

if (isMainThread) {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (...args) => {
    say(String(args[0]).split(' ')[0]);
    return write(...args);
  };
  process.on('exit', () => say(null));
}
