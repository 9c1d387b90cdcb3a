import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/order.ts';

// Files of all projects stand in one queue, so that every core is at work until its end. An end-to-end test waits for
// programs that use several cores: on a large machine more of them at a time would not be faster.
const maxWorkers = Math.min(Math.max(availableParallelism(), 2), 4);

// Time limits are those of a machine five times slower than a laptop, with others at work on it.
export default defineConfig(({ mode }) => {
  const project = (name: string, minutes: number, more = {}) => ({
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      // Forked processes, not threads: native onnxruntime sessions and worker threads belong to one process each.
      pool: 'forks' as const,
      maxWorkers,
      // `--mode whole` runs all of the slow suites, of which npm test runs samples: see test/sample.ts.
      env: { INTERPBOARD_TESTS: mode === 'whole' ? 'whole' : 'sample' },
      testTimeout: minutes * 60_000,
      hookTimeout: minutes * 60_000,
      ...more,
    },
  });
  return {
    test: {
      sequence: { sequencer: LongestFirst },
      projects: [
        // Many files to a process: see test/shared-process.ts.
        project('unit', 5, { isolate: false, setupFiles: ['test/shared-process.ts'] }),
        project('gpu', 30),
        project('e2e', 15, { globalSetup: ['test/e2e/shared.ts'] }),
        project('wiring', 10),
      ],
    },
  };
});
