/** Suites from a user's own files: opened, checked, and made part of a run like the built-in ones. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InterpboardError, MalformedError, UserError } from '../errors.ts';
import { sha256 } from '../io/hash.ts';
import { suiteDeclaration } from '../report/declaration.ts';
import { isOurs } from '../report/suites/find.ts';
import { Stopped } from '../reporter.ts';
import { type OwnSuite, suiteKit } from '../suites/kit.ts';
import { defineSuite, type Suite, type SuiteRun } from '../suites/suite.ts';

/** A suite with the file it came from. */
export interface LoadedSuite {
  suite: Suite;
  /** Its last name. */
  file: string;
  sha256: string;
}

/**
 * Runs the file: it is the user's own, named on the command line, and never one that a repository or a record brings.
 *
 * @throws UserError when there is no such file or it cannot be run; MalformedError when it exports no suite
 */
export async function loadSuites(paths: readonly string[]): Promise<LoadedSuite[]> {
  const loaded: LoadedSuite[] = [];
  for (const path of paths) {
    const one = await loadSuite(path);
    const { id, definitions } = one.suite.declaration;
    const names = [id, ...Object.keys(definitions)];
    const others = loaded.flatMap(({ suite: { declaration: other } }) => [
      other.id,
      ...Object.keys(other.definitions),
    ]);
    const taken = names.find((name) => isOurs(name) || others.includes(name));
    if (taken !== undefined) {
      throw new UserError({
        thing: `suite ${path}`,
        found: `the name ${taken}, which another suite has`,
        expected: 'names of its own for the suite and its definitions',
        next: 'Rename it in the file.',
      });
    }
    loaded.push(one);
  }
  return loaded;
}

async function loadSuite(path: string): Promise<LoadedSuite> {
  const text = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UserError({
      thing: `--suite ${path}`,
      found: error.code === 'ENOENT' ? 'no such file' : error.message,
      expected: 'a .ts, .mts, .js or .mjs file that exports a suite',
      next: 'Check the path; docs/suites.md has an example.',
    });
  });
  if (/[\\/]node_modules[\\/]/.test(resolve(path)) && /\.m?ts$/.test(path)) {
    throw new UserError({
      thing: `--suite ${path}`,
      found: 'TypeScript inside node_modules, which Node does not run',
      expected: 'a file of your own',
      next: 'Copy it beside your package.json and name the copy.',
    });
  }
  // One file, so that its hash says what it is: what it needs it is given.
  const relative = /(?:from|import\s*\(?)\s*['"](\.{1,2}\/[^'"]*)['"]/.exec(text.toString('utf8'))?.[1];
  if (relative !== undefined) {
    throw new UserError({
      thing: `--suite ${path}`,
      found: `an import of ${relative}`,
      expected: 'one file, by whose hash its results are known',
      next: 'Put what it needs into the file; the kit has statistics and probes.',
    });
  }
  const hash = sha256(text);
  let exported: unknown;
  try {
    // The hash keeps a changed file from being the one that was loaded before.
    ({ default: exported } = (await import(`${pathToFileURL(resolve(path)).href}?${hash}`)) as {
      default?: unknown;
    });
  } catch (error) {
    throw broken(path, 'cannot be loaded', error);
  }
  if (typeof exported !== 'function') {
    throw new MalformedError({
      thing: `--suite ${path}`,
      found: exported === undefined ? 'no default export' : `a default export that is ${typeof exported}`,
      expected: 'a function of the kit that returns a suite',
      next: 'Export it as docs/suites.md shows.',
    });
  }
  let own: OwnSuite;
  try {
    own = exported(suiteKit) as OwnSuite;
  } catch (error) {
    throw broken(path, 'throws when it is made', error);
  }
  return { suite: suiteOf(own, path, hash), file: basename(path), sha256: hash };
}

function suiteOf(own: OwnSuite, path: string, version: string): Suite {
  const { settings = {}, reads, begin, ...declared } = own;
  const definitions = Object.fromEntries(
    Object.entries(declared.definitions ?? {}).map(([id, definition]) => [
      id,
      { group: declared.title, ...definition },
    ]),
  );
  const parsed = suiteDeclaration.safeParse({ ...declared, definitions });
  if (!parsed.success || typeof begin !== 'function') {
    const issue = parsed.error?.issues[0];
    throw new MalformedError({
      thing: `--suite ${path}, ${issue?.path.join('.') ?? 'begin'}`,
      found: issue?.message ?? 'no function',
      expected: 'a suite as docs/suites.md describes it',
      next: 'Correct the file.',
    });
  }
  const { id } = parsed.data;
  const guarded = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw broken(id, what, error);
    }
  };
  return defineSuite({
    declaration: parsed.data,
    version,
    settings: { own: settings },
    reads: (given, inputs) => reads?.(given, inputs) ?? [],
    async begin(context, given) {
      const run = await guarded('fails to begin', () => begin(context, given));
      if (run === null) return null;
      const guardedRun: SuiteRun = {
        ...run,
        score: (sae) => guarded('fails to score', () => run.score(sae)),
      };
      return guardedRun;
    },
  });
}

/** An error of the user's file, as theirs: what happened, without this program's stack. */
function broken(name: string, what: string, error: unknown): Error {
  if (error instanceof InterpboardError || error instanceof Stopped) return error;
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  // Line and column, after the query that its file is imported with.
  const [, line, column] = /\?[0-9a-f]{64}:(\d+):(\d+)/.exec(stack) ?? [];
  const place = line === undefined ? '' : ` (line ${line}, column ${column})`;
  return new UserError({
    thing: `suite ${name}`,
    found: `that it ${what}: ${message.slice(0, 1_000)}${place}`,
    expected: 'a suite that runs',
    next: 'Correct the file.',
  });
}
