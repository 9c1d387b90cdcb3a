import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote, UnavailableError, unreadable } from '../errors.ts';
import { sha256 } from '../io/hash.ts';
import { type ApplyChat, chatTemplate } from './chat-template.ts';
import { guarded } from './tokenizer/guard.ts';
import { type Pipeline, pipeline } from './tokenizer/pipeline.ts';
import { UnsupportedPart } from './tokenizer/unsupported-part.ts';

/** Version of the library that encodes pieces; part of what ids follow from. */
export const TOKENIZERS_VERSION = '0.2.0';
/** Changes where the parts around it, in tokenizer/, make other ids. */
const PARTS_VERSION = 'parts/1';

export interface Tokenizer {
  /** Hash of what its ids follow from. */
  identity: string;
  /** Number of ids, added tokens included: one more than the largest id. */
  vocabSize: number;
  /** `specialTokens`: with those that the tokenizer itself puts around a text (BOS, EOS …), if any. */
  encode(text: string, options: { specialTokens: boolean }): number[];
  decode(ids: readonly number[]): string;
  eosTokenId: number | null;
  bosTokenId: number | null;
  padTokenId: number | null;
  /** The conversation as one text. @throws MalformedError when the tokenizer has no chat template. */
  applyChat(...given: Parameters<ApplyChat>): string;
}

const token = z
  .union([z.string(), z.object({ content: z.string() }).transform((added) => added.content)])
  .nullish();
const configFile = z.looseObject({
  bos_token: token,
  eos_token: token,
  pad_token: token,
  unk_token: token,
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .nullish()
    .transform((found) =>
      Array.isArray(found)
        ? (found.find((entry) => entry.name === 'default')?.template ?? null)
        : (found ?? null),
    ),
});

/**
 * The tokenizer of a checkpoint folder: `tokenizer.json`, `tokenizer_config.json`, and the chat template from
 * `chat_template.jinja` or, failing that, from the configuration.
 *
 * Ids equal those of the Python library (tokenizers 0.23); parts that would give others are refused by name.
 *
 * @throws UnavailableError when a file is missing, MalformedError when one is not what it should be.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json');
  const configPath = join(folder, 'tokenizer_config.json');
  const { value: rawFile, hash: fileHash } = await readJson(path);
  const { value: rawConfig, hash: configHash } = await readJson(configPath, '{}');
  const config = checked(configFile, rawConfig, configPath);
  let inner: Pipeline;
  try {
    inner = pipeline(rawFile);
  } catch (cause) {
    throw refused(path, cause);
  }

  const idOf = (name: string, text: string | null): number | null => {
    if (text === null) return null;
    const id = inner.idOf(text);
    if (id === undefined) {
      throw new MalformedError({
        thing: `${configPath} ${name}`,
        found: quote(text),
        expected: 'a token of tokenizer.json',
        next: 'Take both files from the same checkpoint.',
      });
    }
    return id;
  };
  const jinja = await readOptional(join(folder, 'chat_template.jinja'));
  const template = jinja ?? config.chat_template;
  const tokens = { ...(await classDefaults(folder, inner)), ...named(config), ...(await mapped(folder)) };
  const { bos_token, eos_token, pad_token } = tokens;
  return {
    identity: sha256(`${TOKENIZERS_VERSION} ${PARTS_VERSION} ${fileHash} ${configHash}`),
    vocabSize: inner.size,
    encode: (text, { specialTokens }) => {
      try {
        return inner.trusted
          ? inner.encode(text, specialTokens)
          : guarded(() => inner.encode(text, specialTokens));
      } catch (cause) {
        throw refused(path, cause);
      }
    },
    decode: (ids) => inner.decode(ids),
    bosTokenId: idOf('bos_token', bos_token),
    eosTokenId: idOf('eos_token', eos_token),
    padTokenId: idOf('pad_token', pad_token),
    applyChat:
      template === null
        ? () => {
            throw new MalformedError({
              thing: configPath,
              found: 'no chat_template',
              expected: 'a chat template for a source of conversations',
              next: 'Choose sources of plain text, or a model with a chat template.',
            });
          }
        : chatTemplate(
            template,
            tokens,
            jinja === null ? `${configPath} chat_template` : join(folder, 'chat_template.jinja'),
          ),
  };
}

type SpecialTokens = Record<'bos_token' | 'eos_token' | 'pad_token' | 'unk_token', string | null>;

/** Those that tokenizer_config.json has a word on; one that it says is null is none. */
function named(
  config: { [Name in keyof SpecialTokens]?: string | null | undefined },
): Partial<SpecialTokens> {
  return Object.fromEntries(
    Object.entries(config).filter(([name, text]) => name in NONE && text !== undefined),
  );
}

/** Those of special_tokens_map.json, which stand before the configuration's with transformers 5. */
async function mapped(folder: string): Promise<Partial<SpecialTokens>> {
  const path = join(folder, 'special_tokens_map.json');
  const text = await readOptional(path);
  if (text === null) return {};
  const map = named(checked(configFile, parsed(path, text), path));
  return Object.fromEntries(Object.entries(map).filter(([, token]) => token !== null));
}

const NONE: SpecialTokens = { bos_token: null, eos_token: null, pad_token: null, unk_token: null };
const END_OF_TEXT = '<|endoftext|>';
const GPT2 = { bos_token: END_OF_TEXT, eos_token: END_OF_TEXT, pad_token: null, unk_token: END_OF_TEXT };
const QWEN = { bos_token: null, eos_token: END_OF_TEXT, pad_token: END_OF_TEXT, unk_token: END_OF_TEXT };
const GEMMA = { bos_token: '<bos>', eos_token: '<eos>', pad_token: '<pad>', unk_token: '<unk>' };

const COHERE = {
  bos_token: '<BOS_TOKEN>',
  eos_token: '<|END_OF_TURN_TOKEN|>',
  pad_token: '<PAD>',
  unk_token: '<UNK>',
};
const NEOX = { ...GPT2, pad_token: '<|padding|>' };

/** Special tokens of transformers' tokenizer classes, by config.json's model_type. */
const CLASS_DEFAULTS: readonly (readonly [RegExp, SpecialTokens])[] = [
  [/^(gpt2|gpt_neo|gptj|opt|phi|starcoder2)$/, GPT2],
  [/^(gpt_neox|olmo|olmoe)$/, NEOX],
  [/^qwen/, QWEN],
  [/^gemma/, GEMMA],
  [/^cohere2$/, COHERE],
];

/** What a model's class adds where tokenizer_config.json is silent, as transformers' AutoTokenizer does. */
async function classDefaults(folder: string, { idOf }: Pipeline): Promise<SpecialTokens> {
  const path = join(folder, 'config.json');
  const text = await readOptional(path);
  if (text === null) return NONE;
  const { model_type = '' } = checked(
    z.looseObject({ model_type: z.string().optional() }),
    parsed(path, text),
    path,
  );
  const [, found = NONE] = CLASS_DEFAULTS.find(([types]) => types.test(model_type)) ?? [];
  return Object.fromEntries(
    Object.entries(found).map(([name, token]) => [
      name,
      token !== null && idOf(token) !== undefined ? token : null,
    ]),
  ) as SpecialTokens;
}

/** What reading or using tokenizer.json ended with, as a malformed file. */
function refused(path: string, cause: unknown): MalformedError {
  if (cause instanceof UnsupportedPart) {
    const next = 'Choose a model with another tokenizer, or tokenize the text with its own library.';
    return new MalformedError(
      {
        thing: path,
        found: quote(cause.message),
        expected: 'parts that are computed here as the Python library does',
        next,
      },
      { cause },
    );
  }
  if (cause instanceof z.ZodError) {
    const issue = cause.issues[0]!;
    const field = `${path} ${issue.path.join('.')}`.trim();
    return malformed(field, issue.message, 'the fields of a Hugging Face tokenizer');
  }
  return malformed(path, cause, 'a tokenizer that can be built and used');
}

/** @param otherwise what stands for a file that is not there */
async function readJson(path: string, otherwise?: string): Promise<{ value: unknown; hash: string }> {
  const text = (await readOptional(path)) ?? otherwise ?? null;
  if (text === null) {
    throw new UnavailableError({
      thing: path,
      found: 'no such file',
      expected: 'a tokenizer in the Hugging Face layout',
      next: 'Check the folder, or download the checkpoint again.',
    });
  }
  return { value: parsed(path, text), hash: sha256(text) };
}

/** A byte order mark is no part of JSON, and stands before many files. */
function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    throw malformed(path, cause, 'JSON');
  }
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw unreadable(path, cause);
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw malformed(
    `${path} ${issue.path.join('.')}`.trim(),
    issue.message,
    'the fields of a Hugging Face tokenizer',
  );
}

function malformed(thing: string, cause: unknown, expected: string): MalformedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MalformedError(
    { thing, found: quote(reason), expected, next: 'Download the file again.' },
    { cause },
  );
}
