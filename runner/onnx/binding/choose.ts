/**
 * Which binding this machine uses: the C API where it has been tried and passes its check, else the package's own. The check
 * runs in a process of its own, once for each version of what it depends on; what came out is kept in the user's cache.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { quote, UserError } from '../../errors.ts';
import { userCacheFolder } from '../../io/user-cache.ts';
import { writeAtomic } from '../../io/write-atomic.ts';
import { runtimeFolder } from '../runtime-library.ts';
import { type Binding, type BindingName, bindingNames } from './binding.ts';
import { openCApi } from './c-api/c-api.ts';
import { openPackage } from './package.ts';

/** Where the project's tests have run with the C API. */
const TRIED = ['linux-x64'];

/** The check takes a second at most where nothing else runs. */
const TIME_LIMIT_MS = 60_000;

const opened = new Map<BindingName, Promise<Binding>>();
let chosen: Promise<BindingName> | undefined;

/**
 * @param name for tests; else the variable INTERPBOARD_RUNTIME, else what passes here
 * @throws UserError for another value of INTERPBOARD_RUNTIME
 * @throws UnavailableError where the runtime's library cannot be loaded
 */
export async function bindingOf(name?: BindingName): Promise<Binding> {
  chosen ??= name === undefined ? choice() : undefined;
  const wanted = name ?? (await chosen!);
  const known = opened.get(wanted) ?? (wanted === 'c-api' ? openCApi() : openPackage());
  opened.set(wanted, known);
  return known;
}

export interface Failure {
  /** In a few words. */
  why: string;
  /** Whether it would be the same another time: a process that somebody stops says nothing about the runtime. */
  lasting: boolean;
}

/** What a choice depends on. */
export interface Circumstances {
  /** INTERPBOARD_RUNTIME. */
  asked: string | undefined;
  /** As in linux-x64. */
  system: string;
  /** Where the check's outcome is kept, and the versions that it is of. */
  file: string;
  of: string;
  /** @returns null where nothing went wrong */
  check(): Promise<Failure | null>;
  say(line: string): void;
}

export async function choose({ asked, system, file, of, check, say }: Circumstances): Promise<BindingName> {
  if (asked !== undefined && asked !== '') {
    const found = bindingNames.find((name) => name === asked);
    if (found !== undefined) return found;
    throw new UserError({
      thing: 'INTERPBOARD_RUNTIME',
      found: quote(asked),
      expected: `one of ${bindingNames.join(', ')}`,
      next: 'Set one of these, or leave it out.',
    });
  }
  if (!TRIED.includes(system)) return 'package';
  const known = await remembered(file, of);
  if (known !== null) return known;
  const failure = await check();
  // Where nothing can be kept, each process checks again.
  if (failure?.lasting !== false)
    await writeAtomic(file, JSON.stringify({ of, failure: failure?.why ?? null })).catch(() => undefined);
  if (failure === null) return 'c-api';
  say(`onnxruntime’s C API failed its check (${failure.why}); its JavaScript is used, which takes longer.`);
  return 'package';
}

function choice(): Promise<BindingName> {
  return choose({
    asked: process.env.INTERPBOARD_RUNTIME,
    system: `${process.platform}-${process.arch}`,
    file: join(userCacheFolder(process.env, homedir()), 'runtime-check.json'),
    of: versions(),
    check: () => failureOfCheck(),
    say: (line) => console.warn(line),
  });
}

/** What the check depends on. */
function versions(): string {
  const require = createRequire(import.meta.url);
  const koffi = join(dirname(require.resolve('koffi')), 'package.json');
  const of = [join(runtimeFolder, 'package.json'), koffi].map((path) => {
    const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as { name: string; version: string };
    return `${name} ${version}`;
  });
  return [...of, `node ${process.versions.node}`, `${process.platform} ${process.arch} ${release()}`].join(
    ', ',
  );
}

const memory = z.object({ of: z.string(), failure: z.string().nullable() });

async function remembered(file: string, of: string): Promise<BindingName | null> {
  try {
    const found = memory.parse(JSON.parse(await readFile(file, 'utf8')));
    if (found.of !== of) return null;
    return found.failure === null ? 'c-api' : 'package';
  } catch {
    return null;
  }
}

/** Ways in which a process ends by its own fault. */
const CRASHES = ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP'];

export async function failureOfCheck(
  script = fileURLToPath(new URL('./self-check.ts', import.meta.url)),
): Promise<Failure | null> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script], {
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      timeout: TIME_LIMIT_MS,
    });
    const found = stdout.trim().split('\n').at(-1);
    return found === 'right' ? null : { why: `its answer was ${quote(found ?? '')}`, lasting: true };
  } catch (cause) {
    const { signal, code, stderr } = cause as { signal?: string | null; code?: number; stderr?: string };
    const said = stderr?.split('\n').find((line) => /error/i.test(line));
    if (signal) return { why: `ended by ${signal}`, lasting: CRASHES.includes(signal) };
    return { why: said === undefined ? `ended with ${code}` : quote(said), lasting: true };
  }
}
