/**
 * The stream that training reads: packed text run through the language model up to the last hook.
 */
import { availableParallelism } from 'node:os';
import type { RunConfig } from '../config/run-config.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { familyOf } from '../lm/families/index.ts';
import { openLanguageModel } from '../lm/language-model.ts';
import { type Device, parseDevice } from '../onnx/devices.ts';
import type { PackingPosition } from '../text/packing.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { ModelPlace } from './identity.ts';
import { batchOf, trainingRows } from './text.ts';

/** One forward pass. */
export interface ActivationPass {
  /** For each hooked layer [sae.batchTokens, dModel]. */
  activations: Map<number, Float32Array>;
  /** Where the text stands after it. */
  position: PackingPosition;
}

export interface ActivationSource {
  next(): Promise<ActivationPass>;
  close(): Promise<void>;
}

/** How a run shares the machine: threads of one operator for each of two threads of the program, or for the only one. */
export interface Sharing {
  overlap: boolean;
  threads: number | undefined;
}

/** Half the cores for the language model, half for the SAEs; a device other than the CPU is used from one thread. */
export function sharingOf(config: RunConfig, device: Device, cores = availableParallelism()): Sharing {
  const overlap = device === 'cpu' && cores > 1;
  if (config.threads !== null) return { overlap, threads: config.threads };
  return { overlap, threads: overlap ? Math.floor(cores / 2) : undefined };
}

/**
 * The stream made in this thread.
 *
 * @param from where an earlier run's text stood; the start for a new one
 * @throws UserError, MalformedError or UnavailableError as opening the language model does
 */
export async function openActivationsHere(
  config: RunConfig,
  place: ModelPlace,
  from: PackingPosition | undefined,
): Promise<ActivationSource> {
  const device = parseDevice(config.device);
  const { threads } = sharingOf(config, device);
  const checkpoint = await openCheckpoint(place.folder);
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const model = await openLanguageModel(checkpoint, {
    hooks: config.layers,
    device,
    maxTokens: config.corpus.rowTokens,
    ...(threads === undefined ? {} : { threads }),
  });
  const rows = trainingRows(config, tokenizer, from);
  return {
    async next() {
      const batch: Int32Array[] = [];
      let position: PackingPosition | undefined;
      while (batch.length * config.corpus.rowTokens < config.sae.batchTokens) {
        const { value, done } = await rows.next();
        if (done) throw new RangeError('the training text ended');
        batch.push(value.row);
        position = value.position;
      }
      const residuals = await model.residuals(batchOf(batch));
      return {
        activations: new Map(residuals.map((x, hook) => [model.hooks[hook]!, x])),
        position: position!,
      };
    },
    async close() {
      await rows.return(undefined);
      await model.close();
    },
  };
}

/** Width of the residual stream, from the checkpoint's config alone. */
export async function residualWidth(model: ModelPlace): Promise<number> {
  return familyOf(await openCheckpoint(model.folder)).dModel;
}
