/** Which published format lies at a path: by the names of the files there, and where two share them by their tensors. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UnavailableError, UserError } from '../../errors.ts';
import { readSafetensors } from '../../formats/safetensors.ts';
import { readTorchFile } from '../../formats/torch-file.ts';
import { withFile } from '../../io/byte-source.ts';
import { dictionaryLearningFiles } from './dictionary-learning.ts';
import { gemmaScopeFile } from './gemma-scope.ts';
import { gemmaScope2Files } from './gemma-scope-2.ts';
import { llamaScopeFiles } from './llama-scope.ts';
import type { SaeFormat } from './loaded.ts';
import { releaseId } from './reference-release.ts';
import { saeLensFiles } from './sae-lens.ts';
import { sparsifyFiles } from './sparsify.ts';

/** Folder formats by the files that mark them; the config's name alone is shared by several. */
const marks: readonly (readonly [SaeFormat, readonly string[]])[] = [
  ['sae-lens', [saeLensFiles.config, saeLensFiles.tensors]],
  ['sparsify', [sparsifyFiles.config, sparsifyFiles.tensors]],
  ['dictionary-learning', [dictionaryLearningFiles.config, dictionaryLearningFiles.tensors]],
  ['gemma-scope', [gemmaScopeFile]],
  ['gemma-scope-2', [gemmaScope2Files.tensors]],
  ['llama-scope', [llamaScopeFiles.config, 'checkpoints']],
];

function unknown(path: string, found: string): UserError {
  return new UserError({
    thing: path,
    found,
    expected:
      'a folder of SAELens, sparsify, dictionary_learning, Gemma Scope, Llama Scope or the reference release, or a .pt file',
    next: 'Point at the folder that holds one SAE’s config and tensors.',
  });
}

/**
 * @param path a folder of one SAE, a `.pt` file, or the tensors of one of a release’s folder
 * @throws UserError when it is none of the known formats, or several at once
 * @throws UnavailableError when there is nothing there
 * @throws MalformedError when a file must be looked into and is damaged
 */
export async function detectFormat(path: string): Promise<SaeFormat> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new UnavailableError(
      {
        thing: path,
        found: 'nothing that can be read',
        expected: 'a folder or file',
        next: 'Check the path.',
      },
      { cause },
    );
  });
  if (found.isFile()) return detectFile(path);
  const names = await readdir(path);
  const formats: SaeFormat[] = marks
    .filter(([, files]) => files.every((file) => names.includes(file)))
    .map(([format]) => format);
  if (names.some((name) => releaseId(name) !== null)) formats.push('reference-release');
  if (formats.length > 1) throw unknown(path, `files of several formats (${formats.join(', ')})`);
  const [format] = formats;
  if (format === undefined) throw unknown(path, `${names.length} files of no known format`);
  if (format === 'sae-lens' || format === 'sparsify') await checkTensors(path, format);
  return format;
}

/** A renamed file of the other format would be read as transposed weights: the tensors' names must agree. */
async function checkTensors(folder: string, format: 'sae-lens' | 'sparsify'): Promise<void> {
  const files = format === 'sae-lens' ? saeLensFiles : sparsifyFiles;
  const mark = format === 'sae-lens' ? 'W_enc' : 'encoder.weight';
  await withFile(join(folder, files.tensors), async (source) => {
    const { tensors } = await readSafetensors(source);
    if (!tensors.has(mark)) throw unknown(folder, `${files.tensors} without a tensor ${mark}`);
  });
}

async function detectFile(path: string): Promise<SaeFormat> {
  if (releaseId(basename(path)) !== null) return 'reference-release';
  if (!path.endsWith('.pt')) throw unknown(path, 'a single file that is not .pt');
  return withFile(path, async (source) => {
    const { value } = await readTorchFile(source);
    const keys = value instanceof Map ? value : new Map();
    if (keys.has('latent_bias') && keys.has('pre_bias')) return 'openai';
    if (keys.has('W_enc') && keys.has('b_dec') && !keys.has('threshold')) return 'qwen-scope';
    if (keys.has('encoder.weight')) {
      throw unknown(path, `${basename(path)}, which looks like dictionary_learning without its config.json`);
    }
    throw unknown(path, 'a .pt file with other tensors');
  });
}
