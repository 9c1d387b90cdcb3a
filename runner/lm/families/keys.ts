/**
 * What each key of a config.json is to this program. A key of the family's config class in transformers is either read,
 * or without effect here, or refused unless it has the value that changes nothing: three lists, and a test holds them to
 * the class. A key that the class does not have is not read by transformers' model either, so that it changes nothing
 * here: such keys are named by `inspect`. Exceptions are the keys below that transformers asks of any config.
 */
import { z } from 'zod';
import { clip, MalformedError, quote, UserError } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint.ts';

export interface ConfigKeys<Read extends z.ZodRawShape = z.ZodRawShape> {
  /** Name of the family's classes in transformers, without what they are for. */
  className: string;
  /** Keys that the model's numbers follow from, with the values that a missing key stands for. */
  read: Read;
  /** Keys that change nothing here: training, generation, bookkeeping. Of another type they are malformed all the same. */
  withoutEffect: z.ZodRawShape;
  /** Keys that must have one of these values; absent is always right. */
  fixed: Readonly<Record<string, readonly unknown[]>>;
  /** Other names of keys, which win where both are there, as in transformers. */
  aliases: Readonly<Record<string, string>>;
}

const token = z.int().nullish();
const share = z.number().optional();

/** Training, generation and bookkeeping keys that families share, by transformers' types. */
const unused = {
  use_cache: z.boolean().optional(),
  initializer_range: z.number().min(0).max(1).optional(),
  bos_token_id: token,
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  attention_dropout: share,
};

/** Keys of every config class. */
const common = {
  architectures: z.unknown().optional(),
  output_hidden_states: z.boolean().nullish(),
  dtype: z.unknown().optional(),
  torch_dtype: z.unknown().optional(),
  chunk_size_feed_forward: z.unknown().optional(),
  is_encoder_decoder: z.unknown().optional(),
  id2label: z.record(z.string(), z.unknown()).nullish(),
  label2id: z.unknown().optional(),
  problem_type: z.unknown().optional(),
  transformers_version: z.unknown().optional(),
};

/** Keys that transformers asks any config for and that would change what it computes. */
const commonFixed = {
  is_causal: [true],
  per_layer_config: [null, {}],
  quantization_config: [null],
  return_dict: [null, true],
} satisfies ConfigKeys['fixed'];

export function configKeys<Read extends z.ZodRawShape>(
  className: string,
  read: Read,
  more: Partial<Pick<ConfigKeys, 'withoutEffect' | 'fixed' | 'aliases'>> = {},
): ConfigKeys<Read> {
  return {
    className,
    read,
    withoutEffect: { ...common, ...unused, ...more.withoutEffect },
    // What a family reads it judges itself.
    fixed: Object.fromEntries(
      Object.entries({ ...commonFixed, ...more.fixed }).filter(([key]) => !Object.hasOwn(read, key)),
    ),
    aliases: more.aliases ?? {},
  };
}

/** Keys of a config that are in none of its family's lists. */
export function unknownKeys(config: Readonly<Record<string, unknown>>, keys: ConfigKeys): string[] {
  const known = [
    keys.read,
    keys.withoutEffect,
    keys.fixed,
    keys.aliases,
    { model_type: null, auto_map: null },
  ];
  return Object.keys(config).filter((key) => !known.some((list) => Object.hasOwn(list, key)));
}

/**
 * Parses a checkpoint's config.json by its family's keys.
 *
 * @throws MalformedError naming the first key that is of another type
 * @throws UserError for a key whose value is not one that this program computes
 */
export function readConfig<Read extends z.ZodRawShape>(
  checkpoint: Checkpoint,
  keys: ConfigKeys<Read>,
): z.output<z.ZodObject<Read>> {
  const config: Record<string, unknown> = { ...checkpoint.config };
  for (const [alias, key] of Object.entries(keys.aliases)) {
    if (config[alias] !== undefined) config[key] = config[alias];
  }
  for (const [key, values] of Object.entries(keys.fixed)) {
    const found = config[key];
    if (found === undefined || values.some((value) => isSame(value, found))) continue;
    const expected = `${values.map((value) => JSON.stringify(value)).join(' or ')}, or none`;
    throw unsupported(checkpoint, key, quote(JSON.stringify(found)), expected);
  }
  checkClasses(checkpoint, keys.className);
  if (!Object.hasOwn(keys.read, 'layer_types')) checkLayerTypes(checkpoint, config);
  const parsed = z.object({ ...keys.withoutEffect, ...keys.read }).safeParse(config);
  if (parsed.success) return z.object(keys.read).parse(config);
  const issue = parsed.error.issues[0];
  const value = issue?.path.reduce<unknown>(
    (inside, key) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, key) : undefined),
    config,
  );
  throw new MalformedError({
    thing: `${checkpoint.folder}/config.json, ${issue?.path.join('.') || 'config'}`,
    found: `${value === undefined ? '' : `${quote(JSON.stringify(value))}: `}${issue?.message ?? 'another shape'}`,
    expected: 'the fields of its model_type',
    next: 'Compare it with the model’s own config.json and download it again.',
  });
}

/** A family without kinds of layers has one: the list, which transformers checks in every config, may say so. */
function checkLayerTypes(checkpoint: Checkpoint, config: Readonly<Record<string, unknown>>): void {
  const { layer_types: types, num_hidden_layers: blocks } = config;
  if (types == null) return;
  if (Array.isArray(types) && types.length === blocks && types.every((type) => type === 'full_attention'))
    return;
  const expected = 'none, or full_attention for each layer';
  throw unsupported(checkpoint, 'layer_types', quote(JSON.stringify(types)), expected);
}

/** Null, true, false, or an object without keys. */
function isSame(value: unknown, found: unknown): boolean {
  return value === found || (value !== null && typeof value === 'object' && JSON.stringify(found) === '{}');
}

/** Heads for another task than the next token, as transformers names their tensors. */
const OTHER_HEAD = /(?:^|\.)(?:score|classifier|qa_outputs|cls)\./;

/**
 * A checkpoint with a head for another task, or with a model class of its own, is not the family's language model. One that
 * names such a class but has no tensors of its head is accepted.
 */
function checkClasses(checkpoint: Checkpoint, className: string): void {
  const { architectures, auto_map: map } = checkpoint.config;
  const task = /For(SequenceClassification|TokenClassification|QuestionAnswering|MultipleChoice|MaskedLM)$/;
  const named = [architectures].flat().find((name) => typeof name === 'string' && task.test(name));
  const head = [...checkpoint.tensors.keys()].find((name) => OTHER_HEAD.test(name));
  if (named !== undefined && head !== undefined) {
    throw unsupported(
      checkpoint,
      'architectures',
      `${quote(String(named))} with ${clip(head)}`,
      'a language model (…ForCausalLM)',
    );
  }
  const own: unknown =
    typeof map === 'object' && map !== null ? Reflect.get(map, 'AutoModelForCausalLM') : undefined;
  if (own === undefined || (typeof own === 'string' && own.endsWith(`.${className}ForCausalLM`))) return;
  throw unsupported(
    checkpoint,
    'auto_map',
    quote(JSON.stringify(own)),
    `the class that transformers has (${className}ForCausalLM)`,
  );
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
    next: 'Use a checkpoint whose config says that.',
  });
}
