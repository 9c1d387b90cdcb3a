import { z } from 'zod';
import { MalformedError, UserError } from '../../errors.ts';
import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';

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
  embed(build: Build, ids: Value): Value;
  /** Residual before block `index` -> residual after it. */
  block(build: Build, index: number, residual: Value): Value;
  /** Residual after the last block -> logits [rows·tokens, vocabulary]. */
  head(build: Build, residual: Value): Value;
}

/**
 * Parses a checkpoint's config.json by a family's schema.
 *
 * @throws MalformedError naming the first field that is wrong
 */
export function readConfig<T>(checkpoint: Checkpoint, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(checkpoint.config);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MalformedError({
    thing: `${checkpoint.folder}/config.json, ${issue?.path.join('.') || 'config'}`,
    found: issue?.message ?? 'another shape',
    expected: 'the fields of its model_type',
    next: 'Compare it with the model’s own config.json and download it again.',
  });
}

/** The part of a multimodal checkpoint's config that describes its text model; a plain one is itself. */
export function textPart(checkpoint: Checkpoint): Checkpoint {
  const { text_config: text, tie_word_embeddings: tied } = checkpoint.config;
  if (typeof text !== 'object' || text === null || Array.isArray(text)) return checkpoint;
  const outer = tied === undefined ? {} : { tie_word_embeddings: tied };
  return { ...checkpoint, config: { ...outer, ...text } };
}

/** An option of config.json that its family has but this program does not. */
export function unsupported(
  checkpoint: Checkpoint,
  field: string,
  found: string,
  expected: string,
): UserError {
  return new UserError({
    thing: `${checkpoint.folder}/config.json, ${field}`,
    found,
    expected,
    next: 'Use a checkpoint of the family without this option.',
  });
}
