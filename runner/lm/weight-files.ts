/** Which files of a folder hold a language model's weights, and what a folder is that has none this program reads. */
import { MalformedError, quote, UserError } from '../errors.ts';
import { isFloatType, numberTypes } from '../formats/number-types.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { rowMajor } from '../formats/stored-array.ts';
import { readTorchFile, TorchTensor } from '../formats/torch-file.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { SCALES as FP8_SCALES } from './fp8.ts';
import type { CheckpointFiles, TensorPlace } from './stored-tensors.ts';

export interface WeightLayout {
  kind: 'safetensors' | 'torch';
  /** The one file with all tensors, or the index of several. */
  single: string;
  index: string;
}

/** In the order in which transformers looks for them: a single file wins over an index beside it. */
export const layouts: readonly WeightLayout[] = [
  { kind: 'safetensors', single: 'model.safetensors', index: 'model.safetensors.index.json' },
  { kind: 'torch', single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json' },
];

/**
 * Tensors of a weight file and where they lie, headers alone read.
 *
 * @throws MalformedError for a damaged file, or a tensor of torch's that does not lie in one piece
 */
export async function tensorsOf(
  source: ByteSource,
  kind: WeightLayout['kind'],
): Promise<[string, Omit<TensorPlace, 'file'>][]> {
  await refusePointer(source);
  if (kind === 'safetensors') return [...(await readSafetensors(source)).tensors];
  const file = await readTorchFile(source);
  const malformed = (found: string, expected: string): MalformedError =>
    new MalformedError({ thing: source.name, found, expected, next: converting('pytorch_model.bin') });
  if (!(file.value instanceof Map))
    throw malformed('something that is not a state dict', 'names and tensors');
  const found: [string, Omit<TensorPlace, 'file'>][] = [];
  for (const [name, tensor] of file.value) {
    // Buffers of whole numbers and flags, which no program reads.
    if (!(tensor instanceof TorchTensor) || !isFloatType(tensor.dtype)) continue;
    const { shape, stride, dtype } = tensor;
    const steps = rowMajor(shape);
    if (!shape.every((size, axis) => size < 2 || stride[axis] === steps[axis])) {
      throw malformed(`tensor ${quote(name)} stored turned`, 'tensors stored row after row');
    }
    const { source: member, start } = await file.array(tensor);
    if (member.place === undefined) throw malformed(`tensor ${quote(name)} compressed`, 'stored members');
    const from = member.place.start + start - (source.place?.start ?? 0);
    const length = shape.reduce((product, size) => product * size, 1) * numberTypes[dtype];
    found.push([name, { dtype, shape, start: from, end: from + length }]);
  }
  return found;
}

const POINTER = 'version https://git-lfs.github.com/spec/';

/** @throws MalformedError where a file is what Git keeps in place of one that it was not asked for */
export async function refusePointer(source: ByteSource): Promise<void> {
  const lead = await source.slice(0, Math.min(POINTER.length, source.byteLength));
  if (Buffer.from(lead).toString('latin1') !== POINTER) return;
  throw new MalformedError({
    thing: source.name,
    found: `a pointer of Git LFS (${source.byteLength} bytes) in place of the file`,
    expected: 'the file itself',
    next: 'Run git lfs pull in that folder, or download the file from the hub.',
  });
}

/** A line of Python that writes a checkpoint anew as this program reads it. */
function converting(file: string): string {
  const load = file.endsWith('.gguf') ? `FOLDER, gguf_file='${file}'` : 'FOLDER';
  return `Convert it: python -c "from transformers import AutoModelForCausalLM as M; M.from_pretrained(${load}).save_pretrained('NEW')".`;
}

interface Kind {
  mark: RegExp;
  name: string;
  next: (file: string) => string;
}

const MERGE =
  "Merge it into its base model: python -c \"from peft import AutoPeftModelForCausalLM as M; M.from_pretrained('FOLDER').merge_and_unload().save_pretrained('NEW')\".";

const kinds: readonly Kind[] = [
  { mark: /^adapter_(config\.json|model\.(safetensors|bin))$/, name: 'an adapter (LoRA)', next: () => MERGE },
  { mark: /\.gguf$/i, name: 'a GGUF file', next: converting },
  { mark: /^(tf_model\.h5|flax_model.*\.msgpack)$/, name: 'TensorFlow or JAX weights', next: converting },
  {
    mark: /^consolidated.*\.(safetensors|pth)$/,
    name: 'weights in the layout of Meta or Mistral',
    next: () =>
      'Use the repository’s files in the Hugging Face layout, or transformers’ converter for the family.',
  },
  { mark: /\.onnx$/, name: 'an ONNX export', next: () => 'Use the checkpoint that it was exported from.' },
];

/** The error for a folder without weights, or without a config.json, by what lies in it instead. */
export async function wrongFolder(from: CheckpointFiles, missing: string): Promise<UserError> {
  const files = [...(await from.list())].sort();
  for (const { mark, name, next } of kinds) {
    const file = files.find((each) => mark.test(each));
    if (file === undefined) continue;
    return new UserError({
      thing: `checkpoint ${from.name}`,
      found: `${name}: ${quote(file)}, and no ${missing}`,
      expected: 'config.json and the safetensors files it goes with',
      next: next(file),
    });
  }
  return new UserError({
    thing: `checkpoint ${from.name}`,
    found: `no ${missing}`,
    expected: 'config.json, tokenizer.json and model.safetensors (the Hugging Face layout)',
    next: 'Download the missing file, or name another folder or repository.',
  });
}

/** @throws UserError for an adapter beside the weights, which transformers would apply to them */
export async function refuseAdapter(from: CheckpointFiles): Promise<void> {
  const file = (await from.list()).find((each) => each === 'adapter_config.json');
  if (file === undefined) return;
  throw new UserError({
    thing: `checkpoint ${from.name}`,
    found: `an adapter (${file}) beside the weights`,
    expected: 'weights that are the model’s own',
    next: `${MERGE} Or take the adapter’s files away, to use the weights without it.`,
  });
}

const SCALES =
  /\.(weight_scale(_inv|_2)?|weight_packed|weight_zero_point|input_scale|scales|qweight|qzeros|g_idx|SCB|absmax|quant_map|nested_absmax)$/;

/**
 * @param fp8 whether config.json says that weights are of eight bits with scales, which are read then
 * @throws UserError for tensors that quantised weights are multiplied by, whatever config.json says
 */
export function refuseScales(name: string, tensors: ReadonlyMap<string, TensorPlace>, fp8: boolean): void {
  const found = [...tensors.keys()].find((key) => SCALES.test(key) && !(fp8 && key.endsWith(FP8_SCALES)));
  if (found === undefined) return;
  throw new UserError({
    thing: `checkpoint ${name}`,
    found: `tensor ${quote(found)}, by which quantised weights are scaled`,
    expected: 'weights in f32, bf16 or f16 as they are meant, or fp8 that config.json says',
    next: 'Use the checkpoint that the quantised one was made from.',
  });
}
