import type { StoredArray } from '../../formats/stored-array.ts';
import { readTorchFile, TorchTensor, type TorchValue } from '../../formats/torch-file.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import { type SaeFormat, TensorBag } from './loaded.ts';

/** A saved state dict: its float tensors as a bag, and everything in it that is no tensor. @throws MalformedError */
export async function readStateDict(
  source: ByteSource,
  format: SaeFormat,
  ignored: readonly string[] = [],
): Promise<{ bag: TensorBag; other: Map<string, TorchValue> }> {
  const { value, array } = await readTorchFile(source);
  const tensors = new Map<string, StoredArray>();
  const other = new Map<string, TorchValue>();
  if (!(value instanceof Map))
    throw new TensorBag(source.name, format, tensors).malformed('no state dict', 'a dict');
  for (const [name, each] of value) {
    if (ignored.includes(name)) continue;
    if (each instanceof TorchTensor) tensors.set(name, await array(each));
    else other.set(name, each);
  }
  return { bag: new TensorBag(source.name, format, tensors), other };
}
