/**
 * `cuda`: brings what sessions on CUDA need into the user's cache (Linux x64): onnxruntime's CUDA provider and the libraries of CUDA that
 * it is linked with, out of the wheels that PyPI has of them. Python is not needed.
 */
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nvidiaDevices } from '../doctor/machine.ts';
import { UserError } from '../errors.ts';
import { downloadPinned } from '../hub/pinned-download.ts';
import { wheelAddress } from '../hub/wheel-index.ts';
import { checkFree } from '../io/room.ts';
import { cudaFolder, cudaLibraries, LEAST_DRIVER, wheels } from '../onnx/cuda-libraries.ts';
import { deviceAdvice } from '../onnx/devices.ts';
import { type ShownHub, withShownHub } from './download-view.ts';
import { optionLines } from './option-lines.ts';
import { parseOptions } from './parse-options.ts';
import { progressView } from './progress.ts';
import { everyVerb } from './shared-options.ts';
import { unpackWheels } from './unpack-wheels.ts';

const INDEX = 'https://pypi.org/simple';

const options = {
  index: { type: 'string', help: `package index to fetch from (default ${INDEX})` },
  wheels: { type: 'string', help: 'folder that has the wheels already, for a machine without a connection' },
  list: { type: 'boolean', help: 'print the wheels that are needed, and fetch nothing' },
  ...everyVerb,
} as const;

/** What the libraries take, unpacked. */
const UNPACKED_BYTES = 1.1e9;
/** An index that is not there is no reason to wait long. */
const INDEX_ATTEMPTS = 3;

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseOptions('cuda', args, options);
  if (values.help) {
    console.log(help());
    return 0;
  }
  if (values.list) {
    for (const { file, sha256 } of wheels) console.log(`${sha256}  ${file}`);
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
  if (cudaLibraries() === null) await install(values.index ?? INDEX, values.wheels);
  console.log(`The CUDA provider and its libraries are installed. ${await driverLine()}`);
  return 0;
}

async function install(index: string, given: string | undefined): Promise<void> {
  checkIndex(index);
  const folder = cudaFolder();
  const fetched = join(dirname(folder), 'wheels');
  const view = progressView(process.stderr);
  try {
    await withShownHub(view, async (shown) => {
      if (given === undefined) await fetchWheels(shown, index, fetched);
      await unpackWheels({
        wheels,
        from: given ?? fetched,
        folder,
        signal: shown.signal,
        progress: (done, total) =>
          view.show({ stage: 'unpack', done, total, unit: 'B', rate: 0, fields: {} }),
      });
    });
  } finally {
    view.end();
  }
  await rm(fetched, { recursive: true, force: true });
}

async function fetchWheels(
  { hub, signal, onProgress }: ShownHub,
  index: string,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const total = wheels.reduce((sum, { size }) => sum + size, 0);
  await checkFree({
    thing: 'CUDA provider',
    what: 'its wheels and what comes out of them',
    next: 'Free space, or set XDG_CACHE_HOME to a folder on a larger disk.',
    folder,
    bytes: total + UNPACKED_BYTES,
  });
  const retryPolicy = { ...hub.retryPolicy, attempts: INDEX_ATTEMPTS };
  let before = 0;
  for (const [filesDone, wheel] of wheels.entries()) {
    const { file, size, sha256 } = wheel;
    const show = (bytes: number): void =>
      onProgress({ path: file, bytes: before + bytes, total, filesDone, files: wheels.length });
    await downloadPinned(
      hub,
      {
        thing: file,
        size,
        sha256,
        path: join(folder, file),
        address: () => wheelAddress({ ...hub, retryPolicy }, index, wheel, signal),
        next: 'Run the same command again, or name another index with --index; what came is kept.',
      },
      { signal, onBytes: show },
    );
    show(size);
    before += size;
  }
}

function checkIndex(index: string): void {
  const url = URL.canParse(index) ? new URL(index) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return;
  throw new UserError({
    thing: '--index',
    found: 'no address that may be asked',
    expected: 'http or https, without a user name or password in it',
    next: `Give it as pip takes it, such as ${INDEX}.`,
  });
}

async function driverLine(): Promise<string> {
  const [first] = await nvidiaDevices();
  if (first === undefined)
    return `No NVIDIA driver answers here: version ${LEAST_DRIVER} or newer is needed; then use --device cuda.`;
  const version = Number.parseInt(first.driver, 10);
  return version >= LEAST_DRIVER
    ? `${first.name}, driver ${first.driver}: use --device cuda.`
    : `The driver is ${first.driver}: version ${LEAST_DRIVER} or newer is needed; then use --device cuda.`;
}

function help(): string {
  return [
    'usage: npx interpboard cuda [options]',
    '',
    'Fetches the CUDA provider of onnxruntime and the libraries of CUDA 13 that it needs into the user’s cache: 730 MB, from PyPI,',
    `without Python. The driver is NVIDIA’s own, version ${LEAST_DRIVER} or newer.`,
    '',
    'Options',
    ...optionLines(options),
  ].join('\n');
}
