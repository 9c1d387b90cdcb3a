import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError, quote } from '../errors.ts';
import { loadTokenizer } from './tokenizer.ts';

/** What the files of a tokenizer say of it, and what it does. */
export interface TokenizerFacts {
  /** BPE, Unigram or WordPiece, then its notable parts: byte-level, byte fallback, … */
  kind: string;
  vocabulary: number;
  /** Added tokens marked special, in the order of their ids. */
  specialTokens: { id: number; text: string }[];
  /** Added tokens that are not. */
  otherAddedTokens: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
  padTokenId: number | null;
  /** Ids put before and after a text that is encoded with special tokens. */
  around: { before: number[]; after: number[] };
  chatTemplate: boolean;
}

const part = z.looseObject({ type: z.string() }).nullish();
const fileSchema = z.looseObject({
  normalizer: part,
  pre_tokenizer: part,
  model: z.looseObject({
    type: z.string(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
  }),
  added_tokens: z
    .array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().default(false) }))
    .default([]),
});

/**
 * @returns null when the folder has no tokenizer.json
 * @throws UnavailableError or MalformedError as loadTokenizer does
 */
export async function tokenizerFacts(folder: string): Promise<TokenizerFacts | null> {
  const path = join(folder, 'tokenizer.json');
  if (!existsSync(path)) return null;
  const tokenizer = await loadTokenizer(folder);
  const parsed = fileSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new MalformedError({
      thing: `${path} ${issue?.path.join('.') ?? ''}`.trim(),
      found: quote(issue?.message ?? 'another shape'),
      expected: 'the fields of a Hugging Face tokenizer',
      next: 'Download the file again.',
    });
  }
  const file = parsed.data;
  const special = file.added_tokens.filter((token) => token.special);
  const plain = tokenizer.encode('a', { specialTokens: false });
  const whole = tokenizer.encode('a', { specialTokens: true });
  const added = whole.length - plain.length;
  const start = Array.from({ length: added + 1 }, (_, i) => i).find((i) =>
    plain.every((id, at) => whole[i + at] === id),
  );
  return {
    kind: kindOf(file),
    vocabulary: tokenizer.vocabSize,
    specialTokens: special.map(({ id, content }) => ({ id, text: content })).sort((a, b) => a.id - b.id),
    otherAddedTokens: file.added_tokens.length - special.length,
    bosTokenId: tokenizer.bosTokenId,
    eosTokenId: tokenizer.eosTokenId,
    padTokenId: tokenizer.padTokenId,
    around: { before: whole.slice(0, start ?? 0), after: whole.slice((start ?? 0) + plain.length) },
    chatTemplate: await hasChatTemplate(folder),
  };
}

function kindOf({ model, normalizer, pre_tokenizer }: z.infer<typeof fileSchema>): string {
  const types = [normalizer, pre_tokenizer].flatMap(partTypes);
  const notes = [
    types.includes('ByteLevel') && 'byte-level',
    types.includes('Metaspace') && 'metaspace',
    model.byte_fallback && 'byte fallback',
    model.ignore_merges && 'merges ignored for whole words',
    ...['NFC', 'NFD', 'NFKC', 'NFKD'].map((form) => types.includes(form) && form),
  ].filter((note) => typeof note === 'string');
  return [model.type, ...notes].join(', ');
}

/** The types of a part, and of those it is made of. */
function partTypes(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).filter(Array.isArray).flat();
  const own = 'type' in value && typeof value.type === 'string' ? [value.type] : [];
  return [...own, ...inner.flatMap(partTypes)];
}

async function hasChatTemplate(folder: string): Promise<boolean> {
  if (existsSync(join(folder, 'chat_template.jinja'))) return true;
  const config: unknown = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'));
  return (
    typeof config === 'object' &&
    config !== null &&
    'chat_template' in config &&
    config.chat_template !== null
  );
}
