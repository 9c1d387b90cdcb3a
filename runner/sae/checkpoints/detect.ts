/** Which published format lies at a path: by the marks that the adapters give of themselves. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { quote, UnavailableError, UserError } from '../../errors.ts';
import { readSafetensors } from '../../formats/safetensors.ts';
import { readTorchFile } from '../../formats/torch-file.ts';
import { withFile } from '../../io/byte-source.ts';
import type { SaeAdapter } from './adapter.ts';
import { adapters } from './adapters.ts';

/** Keys of a state dict that an error for an unknown format lists. */
const KEYS_SHOWN = 6;

function unknown(path: string, found: string): UserError {
  return new UserError({
    thing: path,
    found,
    expected: `a folder or .pt file of ${adapters.map(({ format }) => format).join(', ')}`,
    next: 'Point at the folder that holds one SAE’s config and tensors.',
  });
}

/** The name of the format; errors as `detectAdapter`. */
export async function detectFormat(path: string): Promise<string> {
  return (await detectAdapter(path)).format;
}

/**
 * @param path a folder of one SAE, a `.pt` file, or the tensors of one of a release’s folder
 * @throws UserError when there is nothing there, or none of the known formats, or several at once
 * @throws UnavailableError when it cannot be looked at
 * @throws MalformedError when a file must be looked into and is damaged
 */
export async function detectAdapter(path: string): Promise<SaeAdapter> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const absent = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    const parts = {
      thing: path,
      found: absent ? 'no such file or folder' : cause.message,
      expected: 'a folder or file of an SAE',
      next: 'Check the path.',
    };
    throw absent ? new UserError(parts, { cause }) : new UnavailableError(parts, { cause });
  });
  if (found.isFile()) return ofFile(path);
  const names = await readdir(path);
  const fitting: SaeAdapter[] = [];
  for (const each of adapters) {
    const { mark } = each;
    if (mark.folder?.(names) && !names.some((name) => mark.unless?.test(name)) && (await says(path, mark)))
      fitting.push(each);
  }
  if (fitting.length > 1)
    throw unknown(path, `files of several formats (${fitting.map(({ format }) => format).join(', ')})`);
  const [adapter] = fitting;
  if (adapter === undefined) throw unknown(path, `${names.length} files of no known format`);
  await checkTensor(path, adapter);
  return adapter;
}

/** Bytes of a file in which words are looked for. */
const WORDS_LIMIT = 1_000_000;

async function says(folder: string, { says }: SaeAdapter['mark']): Promise<boolean> {
  if (says === undefined) return true;
  return withFile(join(folder, says.file), async (source) => {
    const start = await source.slice(0, Math.min(source.byteLength, WORDS_LIMIT));
    return says.words.test(new TextDecoder().decode(start));
  });
}

/** A renamed file of another format would be read as transposed weights: the tensors' names must agree. */
async function checkTensor(folder: string, { mark: { tensor } }: SaeAdapter): Promise<void> {
  if (tensor === undefined) return;
  await withFile(join(folder, tensor.file), async (source) => {
    const { tensors } = await readSafetensors(source);
    if (!tensors.has(tensor.name)) throw unknown(folder, `${tensor.file} without a tensor ${tensor.name}`);
    if (tensor.without !== undefined && tensors.has(tensor.without))
      throw unknown(folder, `${tensor.file} with a tensor ${tensor.without}`);
  });
}

async function ofFile(path: string): Promise<SaeAdapter> {
  const named = adapters.find(({ mark }) => mark.file?.(basename(path)));
  if (named !== undefined) return named;
  if (!path.endsWith('.pt')) throw unknown(path, 'a single file that is not .pt');
  return withFile(path, async (source) => {
    const { value } = await readTorchFile(source);
    const keys = new Set(value instanceof Map ? value.keys() : []);
    const adapter = adapters.find(({ mark }) => mark.stateDict?.(keys));
    if (adapter !== undefined) return adapter;
    const parent = adapters.find(({ mark }) => mark.folder?.([basename(path), 'config.json']));
    if (parent !== undefined)
      throw unknown(path, `${basename(path)} of ${parent.format}, without its folder and its config.json`);
    const shown = [...keys].slice(0, KEYS_SHOWN).map(quote).join(', ');
    throw unknown(path, `a .pt file with other tensors${shown === '' ? '' : ` (${shown})`}`);
  });
}
