/** A tokenizer.json as functions: added tokens, normalizer, pre-tokenizer, model, post-processor, decoder. */
import { z } from 'zod';
import { type AddedToken, addedToken, sectioner } from './added-tokens.ts';
import { decoder } from './decoders.ts';
import { LINEAR } from './linear-patterns.ts';
import { MAX_ID, type TokenModel, tokenModel } from './models.ts';
import { type Normalize, normalizer } from './normalizers.ts';
import { postProcessor } from './post-processor.ts';
import { preTokenizer } from './pre-tokenizers.ts';
import { UnsupportedPart } from './unsupported-part.ts';

export interface Pipeline {
  /** Whether the time that encoding takes goes by the length of the text, whatever the text: else it wants a limit. */
  trusted: boolean;
  /** One more than the largest id. */
  size: number;
  idOf(token: string): number | undefined;
  encode(text: string, surrounded: boolean): number[];
  decode(ids: readonly number[]): string;
}

const file = z.looseObject({
  added_tokens: z.array(addedToken.extend({ id: addedToken.shape.id.max(MAX_ID) })).nullish(),
  model: z.looseObject({}),
});

/**
 * @param source tokenizer.json, parsed
 * @throws UnsupportedPart or ZodError
 */
export function pipeline(source: unknown): Pipeline {
  const { model: modelSource, added_tokens, ...parts } = file.parse(source);
  const added = added_tokens ?? [];
  const model = tokenModel(modelSource);
  checkIds(added, model);
  const normalize = normalizer(parts.normalizer);
  const sections = sectioner(added, normalize);
  const split = preTokenizer(parts.pre_tokenizer);
  const surround = postProcessor(parts.post_processor);
  const decode = decoder(parts.decoder);
  const tokens = tokensById(modelSource, added, normalize);
  const addedIds = new Map(added.map(({ content, id }) => [content, id]));
  return {
    trusted: modelSource.type === 'BPE' && regularExpressions(parts).every((each) => LINEAR.has(each)),
    size: tokens.length,
    idOf: (token) => addedIds.get(token) ?? model.idOf(token),
    encode(text, surrounded) {
      const ids: number[] = [];
      for (const section of sections(text)) {
        if ('id' in section) ids.push(section.id);
        else
          for (const piece of split(section.text, section.first))
            for (const id of model.encode(piece)) ids.push(id);
      }
      return surrounded ? surround(ids) : ids;
    },
    decode: (ids) => decode(ids.flatMap((id) => tokens[id] ?? [])),
  };
}

/** Every regular expression of a part, and of those it is made of. */
function regularExpressions(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    name === 'Regex' && typeof each === 'string' ? [each] : regularExpressions(each),
  );
}

/** The Python library numbers added tokens itself, and believes no other id that the file gives them. */
function checkIds(added: readonly AddedToken[], model: TokenModel): void {
  const given = new Map<string, number>();
  let next = model.size;
  for (const { content, id } of added) {
    if (content === '') continue;
    const expected = model.idOf(content) ?? given.get(content) ?? next;
    if (expected === next) next++;
    if (id !== expected)
      throw new UnsupportedPart(
        `the added token ${JSON.stringify(content)} with id ${id}, where the library gives it ${expected}`,
      );
    given.set(content, id);
  }
}

/** What ids decode to: an added token that is looked for in normalised text, to what it is there. */
function tokensById(
  { vocab }: Readonly<Record<string, unknown>>,
  added: readonly AddedToken[],
  normalize: Normalize,
): string[] {
  const tokens: string[] = [];
  if (Array.isArray(vocab))
    for (const [i, [token]] of (vocab as [string, number][]).entries()) tokens[i] = token;
  else for (const [token, id] of Object.entries(vocab as Record<string, number>)) tokens[id] = token;
  for (const { id, content, normalized } of added) tokens[id] = normalized ? normalize(content) : content;
  return tokens;
}
