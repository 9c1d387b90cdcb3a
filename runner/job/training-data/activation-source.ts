/** What training reads activations from, whatever makes them. */
import type { HeldTensor } from '../../onnx/session.ts';
import type { PackingPosition } from '../../text/packing.ts';

/** Of the host, or where the language model computes them, to be disposed of by whoever asked for them. */
export type Made = Float32Array | HeldTensor;

/** One forward pass. */
export interface ActivationPass<T extends Made = Float32Array> {
  /** For each hook, by its label, [sae.batchTokens, its width]; on a device [rows, tokens, its width]. */
  activations: Map<string, T>;
  /** Where the text stands after it. */
  position: PackingPosition;
}

export interface ActivationSource<T extends Made = Float32Array> {
  /** @throws Stopped when the user asked to stop while it is made: it is made again by the next run */
  next(): Promise<ActivationPass<T>>;
  close(): Promise<void>;
}
