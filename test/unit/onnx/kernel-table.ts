/** The table that test/fixtures/kernels/make.ts writes: which operators of which types a provider has. */
import { z } from 'zod';

const column = z.record(z.string(), z.boolean());

export const kernelTable = z.strictObject({
  /** Version that was asked. */
  onnxruntime: z.strictObject({ cuda: z.string(), webgpu: z.string() }),
  cuda: column,
  webgpu: column,
});
