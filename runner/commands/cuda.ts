/**
 * `cuda`: fetches onnxruntime's CUDA provider (Linux x64), which is not part of its npm package. The package's own install
 * script does the work; it runs only when asked for here, because an installation must succeed where its download feed
 * cannot be reached.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { clip, UnavailableError, UserError } from '../errors.ts';
import { cudaProviderInstalled, runtimeFolder } from '../onnx/cuda-provider.ts';
import { deviceAdvice } from '../onnx/devices.ts';
import { optionLines } from './option-lines.ts';
import { parseOptions } from './parse-options.ts';
import { everyVerb } from './shared-options.ts';

const options = {
  ...everyVerb,
} as const;

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseOptions('cuda', args, options);
  if (values.help) {
    console.log(help());
    return 0;
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new UserError({
      thing: 'CUDA provider',
      found: `${process.platform} ${process.arch}`,
      expected: 'linux x64',
      next: deviceAdvice('cuda:0'),
    });
  }
  if (cudaProviderInstalled()) {
    console.log('The CUDA provider is installed.');
    return 0;
  }
  // The script acts on exactly "true"; other values, or none inside an npm script, make it do nothing and exit 0.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true' };
  const { stderr } = spawnSync(process.execPath, [join(runtimeFolder, 'script', 'install.js')], {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
    env,
  });
  if (!cudaProviderInstalled()) {
    // Of an error with its stack the line that says what it is.
    const said = stderr.split('\n').find((line) => /^\w*Error\b/.test(line));
    throw new UnavailableError(
      {
        thing: 'download of the CUDA provider',
        found: said === undefined ? 'no library after it' : clip(said),
        expected: 'libonnxruntime_providers_cuda.so',
        next: 'Check the connection to api.nuget.org, or use --device cpu or webgpu.',
      },
      { cause: stderr },
    );
  }
  console.log('The CUDA provider is installed. Use --device cuda.');
  return 0;
}

function help(): string {
  return [
    'usage: npx interpboard cuda [options]',
    '',
    'Fetches the CUDA provider of onnxruntime into its package, some hundred megabytes. It needs a driver for CUDA 13.',
    '',
    'Options',
    ...optionLines(options),
  ].join('\n');
}
