/** What training reads activations from, whatever makes them. */
import type { PackingPosition } from '../../text/packing.ts';

/** One forward pass. */
export interface ActivationPass {
  /** For each hook, by its label, [sae.batchTokens, its width]. */
  activations: Map<string, Float32Array>;
  /** Where the text stands after it. */
  position: PackingPosition;
}

export interface ActivationSource {
  /** @throws Stopped when the user asked to stop while it is made: it is made again by the next run */
  next(): Promise<ActivationPass>;
  close(): Promise<void>;
}
