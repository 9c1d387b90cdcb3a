import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { MalformedError, quote, UnavailableError } from '../errors.ts';
import { sha256 } from '../io/hash.ts';
import { type ApplyChat, chatTemplate } from './chat-template.ts';

/** Version of the library that encodes; part of what ids follow from. */
export const TOKENIZERS_VERSION = '0.2.0';

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
  .nullish()
  .transform((text) => text ?? null);
const tokenizerFile = z.looseObject({
  model: z.looseObject({
    type: z.enum(['BPE', 'WordPiece', 'Unigram']),
    vocab: z.union([z.record(z.string(), z.number()), z.array(z.unknown())]),
  }),
  added_tokens: z.array(z.looseObject({ id: z.int().nonnegative(), content: z.string() })).default([]),
});
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
 * The tokenizer of a checkpoint folder: `tokenizer.json` and `tokenizer_config.json`, and the chat template from
 * `chat_template.jinja` or, failing that, from the configuration.
 *
 * Ids equal those of the Python library, with two known exceptions in the library below: an added token that takes
 * the spaces beside it takes U+FEFF and leaves U+0085, and a text that the normaliser turns into exactly an added
 * token becomes that token even where the token is to be found before normalising only.
 *
 * @throws UnavailableError when a file is missing, MalformedError when one is not what it should be.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json');
  const configPath = join(folder, 'tokenizer_config.json');
  const { value: rawFile, hash: fileHash } = await readJson(path);
  const { value: rawConfig, hash: configHash } = await readJson(configPath);
  const file = checked(tokenizerFile, rawFile, path);
  const config = checked(configFile, rawConfig, configPath);
  let inner: HuggingFaceTokenizer;
  try {
    const split = 'pre_tokenizer' in file ? { pre_tokenizer: writtenOut(file.pre_tokenizer) } : {};
    inner = new HuggingFaceTokenizer({ ...(rawFile as object), ...split }, rawConfig as object);
  } catch (cause) {
    throw malformed(path, cause, 'a tokenizer that can be built');
  }

  const idOf = (name: string, text: string | null): number | null => {
    if (text === null) return null;
    const id = inner.token_to_id(text);
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
  const { bos_token, eos_token, pad_token, unk_token } = config;
  const vocabIds = Array.isArray(file.model.vocab)
    ? [file.model.vocab.length - 1]
    : Object.values(file.model.vocab);
  let vocabSize = 0;
  for (const id of vocabIds) vocabSize = Math.max(vocabSize, id + 1);
  for (const { id } of file.added_tokens) vocabSize = Math.max(vocabSize, id + 1);

  return {
    identity: sha256(`${TOKENIZERS_VERSION} ${fileHash} ${configHash}`),
    vocabSize,
    encode: (text, { specialTokens }) => inner.encode(text, { add_special_tokens: specialTokens }).ids,
    decode: (ids) =>
      ids.length === 0
        ? ''
        : inner.decode([...ids], { skip_special_tokens: false, clean_up_tokenization_spaces: false }),
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
            { bos_token, eos_token, pad_token, unk_token },
            jinja === null ? `${configPath} chat_template` : join(folder, 'chat_template.jinja'),
          ),
  };
}

/** What the byte-level splitter uses where tokenizer.json writes no pattern. */
const BYTE_LEVEL_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * A pre-tokenizer with the byte-level pattern written out, also inside a sequence. The library below has one of its
 * own for it, in which \s is JavaScript's: U+FEFF counts as a space and U+0085 does not. In patterns that are written
 * out it means what it means to the Python library.
 */
function writtenOut(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || !('type' in part)) return part;
  if ('pretokenizers' in part && Array.isArray(part.pretokenizers)) {
    return { ...part, pretokenizers: part.pretokenizers.map(writtenOut) };
  }
  const { type, use_regex = true, add_prefix_space = true } = part as Record<string, unknown>;
  // A space put before the text comes first: with one, splitting cannot be taken out of the step.
  if (type !== 'ByteLevel' || use_regex !== true || add_prefix_space !== false) return part;
  const split = {
    type: 'Split',
    pattern: { Regex: BYTE_LEVEL_PATTERN },
    behavior: 'Isolated',
    invert: false,
  };
  return { type: 'Sequence', pretokenizers: [split, { ...part, use_regex: false }] };
}

async function readJson(path: string): Promise<{ value: unknown; hash: string }> {
  const text = await readOptional(path);
  if (text === null) {
    throw new UnavailableError({
      thing: path,
      found: 'no such file',
      expected: 'a tokenizer in the Hugging Face layout',
      next: 'Check the folder, or download the checkpoint again.',
    });
  }
  try {
    return { value: JSON.parse(text), hash: sha256(text) };
  } catch (cause) {
    throw malformed(path, cause, 'JSON');
  }
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnavailableError(
      { thing: path, found: reason, expected: 'a readable file', next: 'Check its permissions.' },
      { cause },
    );
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
