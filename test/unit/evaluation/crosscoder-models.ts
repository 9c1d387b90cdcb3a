/** The language models of the crosscoders among the fixtures. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoModelFolder } from '../../../runner/demo/model-folder.ts';

const EXCHANGED = [0, 2, 1, 4, 3];

/** The embedded model with blocks 1 and 2, 3 and 4 exchanged: the same tokens, other activations. */
export async function exchangedModel(folder: string): Promise<string> {
  await cp(demoModelFolder, folder, { recursive: true });
  const path = join(folder, 'model.safetensors');
  const bytes = await readFile(path);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const header = bytes.toString('utf8', 8, end);
  const turned = header.replace(
    /model\.layers\.([1-4])\./g,
    (_, block) => `model.layers.${EXCHANGED[Number(block)]}.`,
  );
  bytes.write(turned, 8, 'utf8');
  await writeFile(path, bytes);
  return folder;
}
