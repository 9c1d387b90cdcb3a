/** Libraries out of wheels, which are zip archives, into a folder that is there whole or not at all. */
import { copyFile, mkdir, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MalformedError, UnavailableError } from '../errors.ts';
import { memberPieces, readZip, type Zip, type ZipMember } from '../formats/zip.ts';
import { type ByteSource, openFile } from '../io/byte-source.ts';
import { contentHash } from '../io/content-hash.ts';
import { rebuildFolder } from '../io/rebuilt-folder.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import { LIST, type Wheel } from '../onnx/cuda-libraries.ts';
import { runtimeLibrary } from '../onnx/runtime-library.ts';

export interface Unpacking {
  wheels: readonly Wheel[];
  /** Folder that has them. */
  from: string;
  /** Where the libraries go, with a copy of the runtime's own. */
  folder: string;
  signal: AbortSignal;
  progress(done: number, total: number): void;
}

/**
 * @throws UnavailableError for a wheel that is not there, or a disk that is full
 * @throws MalformedError for a wheel with another hash, or without one of its libraries
 */
export async function unpackWheels({ wheels, from, folder, signal, progress }: Unpacking): Promise<void> {
  const total = wheels.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  await rebuildFolder(folder, async (made) => {
    await mkdir(made, { recursive: true });
    const sizes: Record<string, number> = {};
    const runtime = runtimeLibrary();
    await copyFile(runtime.path, join(made, runtime.name));
    sizes[runtime.name] = await sizeOf(runtime.path);
    for (const wheel of wheels) {
      const path = join(from, wheel.file);
      await checkWheel(path, wheel, signal);
      const source = await openFile(path);
      try {
        const zip = await readZip(source);
        for (const library of wheel.libraries) {
          const member = memberOf(zip, wheel, library);
          const name = basename(library);
          await unpack(source, member, join(made, name), signal);
          sizes[name] = member.byteLength;
        }
      } finally {
        await source.close();
      }
      done += wheel.size;
      progress(done, total);
    }
    await writeAtomic(join(made, LIST), JSON.stringify(sizes));
  });
}

async function sizeOf(path: string): Promise<number> {
  const file = await openFile(path);
  await file.close();
  return file.byteLength;
}

async function checkWheel(path: string, { file, sha256 }: Wheel, signal: AbortSignal): Promise<void> {
  const found = await contentHash(path, 'sha256', { signal }).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new UnavailableError(
      {
        thing: file,
        found: 'no such file in the folder of wheels',
        expected: 'it there, as PyPI has it',
        next: 'See npx interpboard cuda --list for all that are needed.',
      },
      { cause },
    );
  });
  if (found === sha256) return;
  throw new MalformedError({
    thing: file,
    found: `SHA-256 ${found}`,
    expected: sha256,
    next: 'Download it again.',
  });
}

function memberOf(zip: Zip, { file }: Wheel, library: string): ZipMember {
  const member = zip.members.get(library);
  if (member !== undefined) return member;
  throw new MalformedError({
    thing: file,
    found: `no ${library}`,
    expected: 'it among its members',
    next: 'Report it: this version of the program expects it there.',
  });
}

async function unpack(
  source: ByteSource,
  member: ZipMember,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for await (const piece of memberPieces(source, member)) {
      signal.throwIfAborted();
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
