/** What `npm test` makes of words that name no test. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('a file that no project has is a failure, and said', () => {
  const { VITEST: _, ...env } = process.env;
  const words = ['runner/launch.mjs', 'vitest', 'run', 'no-such-file.test.ts'];
  const { status, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
  expect(stderr).toMatch(/No test files found, exiting with code 1[\s\S]*no-such-file\.test\.ts/);
  expect(status).toBe(1);
});
