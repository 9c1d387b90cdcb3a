#!/usr/bin/env node
/** Arguments -> verb, error class -> exit code. Each verb is loaded only when it is asked for. */
import { InterpboardError, quote, UserError } from './errors.ts';
import { Stopped } from './reporter.ts';

// Read by the native library when it is loaded; worker threads only see a copy of the environment.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** A verb: one line of help, and its program, which gives an exit code. */
interface Verb {
  summary: string;
  load(): Promise<{ run(args: readonly string[]): Promise<number> }>;
}

const verbs: Readonly<Record<string, Verb>> = {
  eval: {
    summary: 'train SAEs on a language model, evaluate them, build the report (the main job)',
    load: () => import('./commands/eval.ts'),
  },
  import: {
    summary: 'read result files of SAEBench, the reference evaluation or dictionary_learning into the report',
    load: () => import('./commands/import.ts'),
  },
  plan: {
    summary: 'print what a run will take (segments, memory, disk, time) before anything is downloaded',
    load: () => import('./commands/plan.ts'),
  },
  export: {
    summary: 'write SAEs in the layout of SAELens',
    load: () => import('./commands/export.ts'),
  },
  verify: {
    summary: 'make a record again from its own settings, and name every number that moved',
    load: () => import('./commands/verify.ts'),
  },
  doctor: {
    summary: 'check what this machine can do: its devices, whether each computes right, and how fast',
    load: () => import('./commands/doctor.ts'),
  },
  inspect: {
    summary: 'print what a model or an SAE is, without reading its weights; list published SAEs',
    load: () => import('./commands/inspect.ts'),
  },
  publish: {
    summary: 'send a finished run to the hub with its model card, or the report to a Space or a folder',
    load: () => import('./commands/publish.ts'),
  },
};

function usage(): string {
  const lines = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return [
    'usage: interpboard <verb> [options]',
    '',
    ...lines,
    '',
    'interpboard <verb> --help describes its options.',
  ].join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === 'help') {
    console.log(usage());
    return 0;
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    throw new UserError({
      thing: 'verb',
      found: quote(name),
      expected: `one of ${Object.keys(verbs).join(', ')}`,
      next: 'Run with --help for what each does.',
    });
  }
  return (await verb.load()).run(rest);
}

const args = process.argv.slice(2);
try {
  process.exitCode = await main(args);
} catch (error) {
  if (error instanceof Stopped) {
    console.log(error.message);
    process.exit(130);
  }
  const known = error instanceof InterpboardError;
  if (known && !args.includes('--debug')) console.error(`error: ${error.message}`);
  else console.error(error);
  if (!known)
    console.error(
      'error: this is a defect of the program, not of your input; please report it with the lines above.',
    );
  process.exitCode = known ? error.exitCode : 1;
}
