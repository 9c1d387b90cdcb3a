/** Models of a tokenizer.json: a piece to ids. BPE and WordPiece are the library's; these are the others, and the choice. */
import { z } from 'zod';
import { BPE, WordPiece } from './library.ts';
import { UnsupportedPart } from './unsupported-part.ts';

export interface TokenModel {
  /** Number of entries, and what they are called. */
  size: number;
  idOf(token: string): number | undefined;
  encode(piece: string): number[];
}

/** Ids are places in arrays: real vocabularies have about a million entries at most. */
export const MAX_ID = 2 ** 24 - 1;
const id = z.int().nonnegative().max(MAX_ID);
const vocabulary = z.record(z.string(), id);
const none = z.union([z.null(), z.literal('')]).optional();

const bpe = z.looseObject({
  type: z.literal('BPE'),
  vocab: vocabulary,
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  dropout: z.union([z.null(), z.literal(0)], 'dropout, which makes ids by chance').optional(),
  continuing_subword_prefix: none,
  unk_token: z.string().nullish(),
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
});
const wordPiece = z.looseObject({ type: z.literal('WordPiece'), vocab: vocabulary, unk_token: z.string() });
const wordLevel = z.looseObject({ type: z.literal('WordLevel'), vocab: vocabulary, unk_token: z.string() });
const unigram = z.looseObject({
  type: z.literal('Unigram'),
  vocab: z.array(z.tuple([z.string(), z.number()])).max(MAX_ID + 1),
  unk_id: id.nullish(),
  byte_fallback: z.boolean().default(false),
});

/** @throws UnsupportedPart or ZodError */
export function tokenModel(source: unknown): TokenModel {
  const { type } = z.looseObject({ type: z.string().default('BPE') }).parse(source);
  switch (type) {
    case 'BPE':
      return ofLibrary(new BPE(bpe.parse(source)));
    case 'WordPiece':
      return ofLibrary(new WordPiece(wordPiece.parse(source)));
    case 'WordLevel': {
      const { vocab, unk_token } = wordLevel.parse(source);
      const ids = new Map(Object.entries(vocab));
      const unknown = ids.get(unk_token);
      return withIds(ids, (piece) => {
        const found = ids.get(piece) ?? unknown;
        if (found === undefined)
          throw new UnsupportedPart(
            `the unknown word ${JSON.stringify(piece.slice(0, 50))}, without an unk_token`,
          );
        return [found];
      });
    }
    case 'Unigram':
      return unigramModel(unigram.parse(source));
    default:
      throw new UnsupportedPart(`the model ${type}`);
  }
}

function ofLibrary(model: InstanceType<typeof BPE>): TokenModel {
  const ids = model.tokens_to_ids;
  return withIds(ids, (piece) => model([piece]).map((token) => ids.get(token) ?? model.unk_token_id!));
}

function withIds(ids: ReadonlyMap<string, number>, encode: TokenModel['encode']): TokenModel {
  return { size: ids.size, idOf: (token) => ids.get(token), encode };
}

/** What an unknown character scores below the least entry. */
const UNKNOWN_PENALTY = 10;

/**
 * The best path by score; of equal ones that whose last entry is found first, from the left. The library's own keeps
 * another of them.
 */
function unigramModel({ vocab, unk_id, byte_fallback }: z.infer<typeof unigram>): TokenModel {
  const ids = new Map(vocab.map(([token], i) => [token, i]));
  const scores = vocab.map(([, score]) => score);
  const unknownScore =
    scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY;
  const longest = vocab.reduce((most, [token]) => Math.max(most, token.length), 0);
  const bytesOf = (text: string): number[] | null => {
    const found = [...new TextEncoder().encode(text)].map((byte) =>
      ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    );
    return found.every((each) => each !== undefined) ? found : null;
  };
  return withIds(ids, (piece) => {
    const size = piece.length;
    const best = new Float64Array(size + 1);
    const from = new Int32Array(size + 1).fill(-1);
    const known = new Uint8Array(size + 1);
    const offer = (start: number, end: number, score: number, entry: boolean): void => {
      if (from[end]! >= 0 && !(score > best[end]!)) return;
      best[end] = score;
      from[end] = start;
      known[end] = entry ? 1 : 0;
    };
    for (let start = 0; start < size; ) {
      const one = piece.codePointAt(start)! > 0xffff ? 2 : 1;
      let single = false;
      for (let end = start + one; end <= Math.min(size, start + longest); end++) {
        const found = ids.get(piece.slice(start, end));
        if (found === undefined) continue;
        offer(start, end, best[start]! + scores[found]!, true);
        single ||= end === start + one;
      }
      if (!single) {
        if (unk_id === null || unk_id === undefined)
          throw new UnsupportedPart('an unknown character, in a Unigram model without an unk_id');
        offer(start, start + one, best[start]! + unknownScore, false);
      }
      start += one;
    }
    const pieces: string[] = [];
    let unknown = '';
    for (let end = size; end > 0; end = from[end]!) {
      const text = piece.slice(from[end]!, end);
      const isUnknown = known[end] === 0 || ids.get(text) === unk_id;
      if (isUnknown) unknown = text + unknown;
      if (!isUnknown || from[end] === 0) {
        if (unknown !== '') pieces.push(unknown);
        unknown = '';
        if (!isUnknown) pieces.push(text);
      }
    }
    return pieces.reverse().flatMap((text) => {
      const found = ids.get(text);
      return found ?? (byte_fallback ? bytesOf(text) : null) ?? unk_id!;
    });
  });
}
