/**
 * Operators that a device may leave to the CPU: arithmetic on the shape of a batch, a few numbers of it, on how many latents are dead
 * (GreaterOrEqual and Min), and in mixtures of experts which tokens go to an expert (NonZero, and Transpose of its integers); of floats
 * every provider has them, as test/unit/onnx/kernel-table.test.ts shows. A provider asks for that itself; any other operator there would move whole tensors to the host and back with every run, without a word.
 */
export const shapeOperators: readonly string[] = [
  'Cast',
  'Concat',
  'Expand',
  'Gather',
  'GreaterOrEqual',
  'Min',
  'NonZero',
  'Range',
  'Shape',
  'Squeeze',
  'Sub',
  'Transpose',
  'Unsqueeze',
];
