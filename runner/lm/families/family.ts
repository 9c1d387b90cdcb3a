import { z } from 'zod';
import { quote } from '../../errors.ts';
import type { Hook } from '../../hook.ts';
import type { Value } from '../../onnx/graph.ts';
import type { Aside, Block } from '../blocks/block.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { unsupported } from './keys.ts';

/** Largest sizes a config may ask for: beyond any model, small enough that products stay exact integers. */
const SIZE_LIMIT = 10_000_000;

/** A size in a config.json. */
export const size = z.int().positive().max(SIZE_LIMIT);

/** What distinguishes one decoder architecture: how its three kinds of part are built from its weights. */
export interface Family {
  /** `model_type` of config.json. */
  name: string;
  blocks: number;
  dModel: number;
  vocabulary: number;
  contextLength: number;
  /** Token ids int32 [rows, tokens] -> residual [rows·tokens, dModel]. */
  embed(build: Build, ids: Value, aside: Aside): Value;
  block(index: number): Block;
  /** What travels beside the residual at a place, by name, and how wide it is; absent: nothing anywhere. */
  aside?(hook: Hook): ReadonlyMap<string, number>;
  /** Residual after the last block and what travels beside it -> what the head reads; absent: the residual itself. */
  merge?(build: Build, residual: Value, aside: Aside): Value;
  /** What `merge` gives, else the residual after the last block -> logits [rows·tokens, vocabulary]. */
  head(build: Build, residual: Value): Value;
  /**
   * Directions in the residual after the last block -> what one unit of each adds to the logits, were the size that the last
   * norm divides by 1 and no cap at the end: the scale of the norm is in it, its bias is not.
   */
  readout(build: Build, directions: Value): Value;
  /** What a reader of results should know of the family. */
  notes?: readonly string[];
}

/** What the head of a family reads, [rows·tokens, dModel]. */
export function headInput(family: Family, build: Build, residual: Value, aside: Aside): Value {
  return family.merge?.(build, residual, aside) ?? residual;
}

const textParts = new WeakSet<Checkpoint>();

/**
 * The part of a multimodal checkpoint's config that describes its text model; a plain one is itself.
 *
 * @param tied whether embeddings are tied, by what the part and the whole say of it
 * @param kinds values that its `model_type` may have
 * @throws UserError for parts that are of another model, or settings for single layers
 */
export function textPart(
  checkpoint: Checkpoint,
  tied: (inside: unknown, whole: unknown) => unknown = inner,
  kinds: readonly unknown[] = [undefined, `${checkpoint.config.model_type}_text`],
): Checkpoint {
  const { text_config: text, ...whole } = checkpoint.config;
  if (text === undefined) return checkpoint;
  if (!isObject(text)) throw unsupported(checkpoint, 'text_config', quote(JSON.stringify(text)), 'an object');
  const parts = {
    vision_config: whole.vision_config === undefined || isObject(whole.vision_config),
    per_layer_config: whole.per_layer_config == null || isObject(whole.per_layer_config, 0),
    'text_config.model_type': kinds.includes(text.model_type),
    tie_word_embeddings: whole.tie_word_embeddings !== null,
    'text_config.tie_word_embeddings': [undefined, true, false].includes(text.tie_word_embeddings as boolean),
  };
  for (const [key, fits] of Object.entries(parts)) {
    if (fits) continue;
    const expected = `what a text model of ${whole.model_type} has`;
    throw unsupported(checkpoint, key, 'another value', expected);
  }
  const flag = tied(text.tie_word_embeddings, whole.tie_word_embeddings);
  const part = { ...checkpoint, config: { ...text, tie_word_embeddings: flag } };
  textParts.add(part);
  return part;
}

/** The config of the text model in a checkpoint of a known family, as its file has it. */
export function textConfig({ config }: Checkpoint): Checkpoint['config'] {
  return isObject(config.text_config) ? config.text_config : config;
}

function inner(inside: unknown, whole: unknown): unknown {
  return inside ?? whole;
}

function isObject(value: unknown, keys?: number): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return keys === undefined || Object.keys(value).length === keys;
}

/** Whether a checkpoint is such a part, so that names of tensors are nested as well. */
export function isNested(checkpoint: Checkpoint): boolean {
  return textParts.has(checkpoint);
}
