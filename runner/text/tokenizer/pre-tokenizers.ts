/** Pre-tokenizers of a tokenizer.json: a text into the pieces that the model encodes one by one. */
import { z } from 'zod';
import { byteCharacters } from './bytes.ts';
import { type Behavior, behavior, compiled, pattern, split } from './pattern.ts';
import { UnsupportedPart } from './unsupported-part.ts';

/** @param first whether the text stands at the start of what is encoded */
export type PreTokenize = (text: string, first: boolean) => string[];

/** A step on the pieces of the step before; `first` is true of the piece at the start of what is encoded. */
type Step = (piece: string, first: boolean) => string[];

const part = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ByteLevel'),
    add_prefix_space: z.boolean().default(true),
    use_regex: z.boolean().default(true),
  }),
  z.object({ type: z.literal('Split'), pattern, behavior, invert: z.boolean().default(false) }),
  z.object({ type: z.literal('Digits'), individual_digits: z.boolean().default(false) }),
  z.object({ type: z.literal('Punctuation'), behavior: behavior.default('Isolated') }),
  z.object({ type: z.literal('Whitespace') }),
  z.object({ type: z.literal('WhitespaceSplit') }),
  z.object({ type: z.literal('BertPreTokenizer') }),
  z.object({ type: z.literal('CharDelimiterSplit'), delimiter: z.string().min(1).max(2) }),
  z.object({
    type: z.literal('Metaspace'),
    replacement: z.string().min(1).max(2).default('\u2581'),
    prepend_scheme: z.enum(['always', 'first', 'never']).optional(),
    split: z.boolean().default(true),
    add_prefix_space: z.boolean().optional(),
  }),
]);
const sequence = z.object({ type: z.literal('Sequence'), pretokenizers: z.array(z.unknown()).max(100) });

const BYTE_LEVEL =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+";
const NUMBER = /\p{N}/gu;
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/gu;
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
const WORDS = new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, 'gu');
const SPACE = /\p{White_Space}/gu;

/** @throws UnsupportedPart or ZodError */
export function preTokenizer(source: unknown): PreTokenize {
  const steps = stepsOf(source);
  return (text, first) => {
    let pieces = [text];
    for (const step of steps) {
      const next: string[] = [];
      for (const [i, piece] of pieces.entries())
        for (const each of step(piece, first && i === 0)) next.push(each);
      pieces = next;
    }
    return pieces;
  };
}

function stepsOf(source: unknown): Step[] {
  if (source === null || source === undefined) return [];
  const { type } = z.object({ type: z.string() }).parse(source);
  if (type === 'Sequence') return sequence.parse(source).pretokenizers.flatMap(stepsOf);
  const parsed = part.safeParse(source);
  if (!parsed.success && !part.options.some(({ shape }) => shape.type.safeParse(type).success))
    throw new UnsupportedPart(`the pre-tokenizer ${type}`);
  return stepOf(part.parse(source));
}

function stepOf(source: z.infer<typeof part>): Step[] {
  const by =
    (found: RegExp, how: Behavior, invert = false): Step =>
    (piece) =>
      split(piece, found, how, invert);
  switch (source.type) {
    case 'ByteLevel': {
      const { add_prefix_space, use_regex } = source;
      const found = new RegExp(BYTE_LEVEL, 'gu');
      return [
        (piece) => {
          const text = add_prefix_space && !piece.startsWith(' ') ? ` ${piece}` : piece;
          return (use_regex ? split(text, found, 'Isolated') : [text]).map(byteCharacters);
        },
      ];
    }
    case 'Split':
      return [by(compiled(source.pattern), source.behavior, source.invert)];
    case 'Digits':
      return [by(NUMBER, source.individual_digits ? 'Isolated' : 'Contiguous')];
    case 'Punctuation':
      return [by(PUNCTUATION, source.behavior)];
    case 'Whitespace':
      return [by(WORDS, 'Removed', true)];
    case 'WhitespaceSplit':
      return [by(SPACE, 'Removed')];
    case 'BertPreTokenizer':
      return [by(SPACE, 'Removed'), by(PUNCTUATION, 'Isolated')];
    case 'CharDelimiterSplit':
      return [by(compiled({ String: source.delimiter }), 'Removed')];
    case 'Metaspace': {
      const { replacement, split: cut } = source;
      const scheme = source.prepend_scheme ?? (source.add_prefix_space === false ? 'never' : 'always');
      const mark = compiled({ String: replacement });
      return [
        (piece, first) => {
          let text = piece.replaceAll(' ', replacement);
          const prepend = scheme === 'always' || (scheme === 'first' && first);
          if (prepend && !text.startsWith(replacement)) text = replacement + text;
          return cut ? split(text, mark, 'MergedWithNext') : [text];
        },
      ];
    }
    default:
      return source satisfies never;
  }
}
