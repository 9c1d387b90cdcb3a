import { defineConfig } from 'vitest/config';

// Forked processes, not threads: native onnxruntime sessions and worker threads belong to one process each.
// Time limits are those of a machine five times slower than a laptop, with others at work on it.
export default defineConfig(({ mode }) => {
  // `--mode whole` runs all of the slow suites, of which npm test runs samples: see test/sample.ts.
  const env = { INTERPBOARD_TESTS: mode === 'whole' ? 'whole' : 'sample' };
  return {
    test: {
      projects: [
        {
          test: {
            name: 'unit',
            include: ['test/unit/**/*.test.ts'],
            pool: 'forks',
            // Many files to a process: see test/shared-process.ts.
            isolate: false,
            setupFiles: ['test/shared-process.ts'],
            env,
            testTimeout: 300_000,
            hookTimeout: 300_000,
          },
        },
        {
          test: {
            name: 'gpu',
            include: ['test/gpu/**/*.test.ts'],
            pool: 'forks',
            env,
            fileParallelism: false,
            testTimeout: 1_800_000,
            hookTimeout: 1_800_000,
          },
        },
        {
          test: {
            name: 'e2e',
            include: ['test/e2e/**/*.test.ts'],
            pool: 'forks',
            env,
            fileParallelism: false,
            testTimeout: 900_000,
            hookTimeout: 900_000,
          },
        },
        {
          test: {
            name: 'wiring',
            include: ['test/wiring/**/*.test.ts'],
            pool: 'forks',
            env,
            fileParallelism: false,
            testTimeout: 600_000,
            hookTimeout: 600_000,
          },
        },
      ],
    },
  };
});
