/**
 * Unit tests share their processes: modules are loaded once for many files, which halves what the suite costs. Set up
 * before each file: a file that leaves the process other than it found it fails here, by the name of what it left,
 * and what vitest stubbed for it is put back.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, vi } from 'vitest';

/** What of a process a later file would notice. */
function facts(): Record<string, unknown> {
  // Values may be secrets, and a difference is printed.
  const environment = Object.entries(process.env).map(([name, value]) => [name, shortHash(value)]);
  return {
    'current folder': process.cwd(),
    environment: Object.fromEntries(environment),
    'exit code': process.exitCode,
    globals: Object.getOwnPropertyNames(globalThis).sort(),
    'listeners of the process': Object.fromEntries(
      process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    ),
    fetch: globalThis.fetch,
    umask: process.umask(),
  };
}

function shortHash(value = ''): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 8);
}

let found: Record<string, unknown>;
beforeAll(() => {
  found = facts();
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  expect(facts(), 'what this file leaves behind in its process').toEqual(found);
});
