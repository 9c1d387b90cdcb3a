/** Which of the runtime's attention kernels give right answers on a device. */
export interface AttentionKernels {
  /** GroupQueryAttention over all tokens before. */
  full: boolean;
  /** The same with a local window. */
  windowed: boolean;
  /** The same with soft-capped scores. */
  softCapped: boolean;
  /** Takes keys in blocks even in short rows, where all at once is faster: for tests of the path that long rows take. */
  alwaysInBlocks?: boolean;
}

/** On the CPU all do: held to transformers by the tests of the families. */
export const allKernels: AttentionKernels = { full: true, windowed: true, softCapped: true };
