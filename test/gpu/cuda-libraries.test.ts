/** That the CUDA provider finds all that it is linked with: where `npx interpboard cuda` has fetched it, with a driver or without. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { cudaLibraries } from '../../runner/onnx/cuda-libraries.ts';

const there = process.platform === 'linux' && process.arch === 'x64' && cudaLibraries() !== null;
if (!there) console.info('the CUDA provider is not here: npx interpboard cuda fetches it (Linux x64)');

test.skipIf(!there)('of the CUDA provider nothing is missing but a driver', async () => {
  const script = fileURLToPath(new URL('./cuda-device.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    env: { ...process.env, INTERPBOARD_RUNTIME: 'c-api' },
  });
  // The driver's library is the last one that it asks for.
  expect(stdout).toMatch(/^1$|libcuda\.so\.1: cannot open|CUDA driver version is insufficient/);
});
