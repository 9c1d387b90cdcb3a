/** What a language model is opened with. */
import type { HookLike } from '../hook.ts';
import type { Device } from '../onnx/devices.ts';
import type { Precision } from '../onnx/graph.ts';
import type { AttentionKernels } from '../onnx/kernels.ts';

export interface LanguageModelOptions {
  /** A number is the residual stream after that block. */
  hooks: readonly HookLike[];
  /**
   * Further places at which segments end: the last bits of a residual may depend on what is computed in one program,
   * so that of equal cuts come equal numbers, whichever of them are hooks.
   */
  cuts?: readonly HookLike[];
  /** One, or several that share the segments in this order; default the CPU. */
  device?: Device | readonly Device[];
  /** Bytes that weights may take on one device at a time; default no limit, so that all segments are held. */
  memory?: number;
  threads?: number;
  /** Whether the thread goes on while a segment runs; default on CUDA alone. */
  aside?: boolean;
  /** False keeps weights unpacked: less memory, slower products. Default true. */
  prepack?: boolean;
  /** Longest row; default the model's context length. */
  maxTokens?: number;
  /** Whether residuals up to the last hook alone are asked for: what lies behind it is loaded when it is asked for after all. */
  activationsOnly?: boolean;
  logits?: boolean;
  /**
   * Whether KL divergences are asked for as well. The head then stands apart from the blocks before it and is
   * there twice, for one residual and for two.
   */
  divergence?: boolean;
  /** Entries of the vocabulary whose logits exist at a time; default by the limit in head-tiles.ts. */
  tile?: number;
  /** What blocks and the head are computed in; residuals and losses come as float32. Default float32. */
  precision?: Precision;
  /** Attention kernels that may be used; default those that pass the device's check. */
  kernels?: AttentionKernels;
}
