/**
 * Fetches onnxruntime's CUDA provider (Linux x64), which is not part of its npm package: `npm run cuda`.
 * The package's own install script does the work; it runs only when asked for here, because `npm ci` must succeed
 * where its download feed cannot be reached.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cudaProviderInstalled, runtimeFolder } from './cuda-provider.ts';
import { deviceAdvice } from './devices.ts';

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error(
    `error: CUDA provider: found ${process.platform} ${process.arch}; expected linux x64. ${deviceAdvice('cuda:0')}`,
  );
  process.exitCode = 2;
} else if (cudaProviderInstalled()) {
  console.log('The CUDA provider is installed.');
} else {
  // The script acts on exactly "true"; other values, or none inside an npm script, make it do nothing and exit 0.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true' };
  spawnSync(process.execPath, [join(runtimeFolder, 'script', 'install.js')], { stdio: 'inherit', env });
  if (cudaProviderInstalled()) {
    console.log('The CUDA provider is installed. Use --device cuda.');
  } else {
    console.error(
      'error: CUDA provider: found no library after the download; expected libonnxruntime_providers_cuda.so. Check the connection to the download feed above, or use --device cpu or webgpu.',
    );
    process.exitCode = 4;
  }
}
