/** What `npm test` makes of words that name no test. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('a file that no project has is a failure of the whole, and said', () => {
  const { VITEST: _, ...env } = process.env;
  const { status, stderr } = spawnSync(process.execPath, ['test/run.ts', 'no-such-file.test.ts'], {
    env,
    encoding: 'utf8',
  });
  expect(stderr).toContain('No project has a test file for: no-such-file.test.ts');
  expect(status).toBe(1);
});
