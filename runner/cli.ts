#!/usr/bin/env node
/** Arguments -> verb, error class -> exit code. Each verb is loaded only when it is asked for. */
import { constants } from 'node:os';
import { outliveTerminal } from './commands/hang-up.ts';
import { loadVerb, verbs } from './commands/verbs.ts';
import { didYouMean } from './config/nearest.ts';
import { InterpboardError, quote, UserError } from './errors.ts';
import { refusedByFileSystem } from './io/refused-write.ts';
import { whenLauncherEnds } from './launcher.ts';
import { Stopped } from './reporter.ts';

// Read by the native library when it is loaded; worker threads only see a copy of the environment.
process.env.ORT_DISABLE_TELEMETRY = '1';

function usage(): string {
  const lines = Object.entries(verbs).map(([name, summary]) => `  ${name.padEnd(8)} ${summary}`);
  return [
    'usage: npx interpboard <verb> [options]',
    '',
    ...lines,
    '',
    'npx interpboard <verb> --help describes its options.',
  ].join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === 'help') {
    console.log(usage());
    return 0;
  }
  const verb = await loadVerb(name);
  if (verb === undefined) {
    throw new UserError({
      thing: 'verb',
      found: quote(name),
      expected: `one of ${Object.keys(verbs).join(', ')}`,
      next: didYouMean(name, Object.keys(verbs), 'Run with --help for what each does.'),
    });
  }
  return verb.run(rest);
}

/** Nobody is there for whom the program works. A job takes that as a signal to stop: it saves its state. Any other verb ends. */
function stop(): void {
  // Told once: what is still written while the job ends fails as well, and must not end it halfway.
  told ||= process.emit('SIGPIPE', 'SIGPIPE');
  if (!told) process.exit(128 + constants.signals.SIGPIPE);
}
let told = false;

/** The reader of the output may stop reading (`… | head`), and a terminal may be closed. */
function whenNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  stop();
}
process.stdout.on('error', whenNobodyReads);
process.stderr.on('error', whenNobodyReads);
outliveTerminal();
// Killed, it can pass no signal on, and whoever started it takes the program for ended.
whenLauncherEnds(stop);

const args = process.argv.slice(2);
try {
  process.exitCode = await main(args);
} catch (thrown) {
  if (thrown instanceof Stopped) {
    console.log(thrown.message);
    process.exit(130);
  }
  const error = refusedByFileSystem(thrown) ?? thrown;
  const known = error instanceof InterpboardError;
  if (known && !args.includes('--debug')) console.error(`error: ${error.message}`);
  else console.error(error);
  if (!known)
    console.error(
      'error: this is a defect of the program, not of your input; please report it with the lines above.',
    );
  process.exitCode = known ? error.exitCode : 1;
}
