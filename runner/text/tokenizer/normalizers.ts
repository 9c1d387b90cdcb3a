/** Normalisers of a tokenizer.json, as the Python library applies them: by character where JavaScript goes by string. */
import { z } from 'zod';
import { byteCharacters } from './bytes.ts';
import { compiled, pattern } from './pattern.ts';
import { UnsupportedPart } from './unsupported-part.ts';

export type Normalize = (text: string) => string;

/** Longest text that normalising may make of one that is shorter; replacements can follow each other. */
const MAX_GROWTH = 64;
const SMALL_TEXT = 2 ** 20;

const part = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['NFC', 'NFD', 'NFKC', 'NFKD']) }),
  z.object({ type: z.literal('Lowercase') }),
  z.object({ type: z.literal('StripAccents') }),
  z.object({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.object({ type: z.literal('Prepend'), prepend: z.string().max(1_000) }),
  z.object({ type: z.literal('Replace'), pattern, content: z.string().max(1_000) }),
  z.object({ type: z.literal('ByteLevel') }),
  z.object({
    type: z.literal('BertNormalizer'),
    clean_text: z.boolean(),
    handle_chinese_chars: z.boolean(),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean(),
  }),
]);
const sequence = z.object({ type: z.literal('Sequence'), normalizers: z.array(z.unknown()).max(100) });

/** @throws UnsupportedPart or ZodError */
export function normalizer(source: unknown): Normalize {
  const steps = stepsOf(source);
  if (steps.length === 0) return (text) => text;
  return (text) => {
    const most = Math.max(SMALL_TEXT, text.length * MAX_GROWTH);
    let result = text;
    for (const step of steps) {
      result = step(result);
      if (result.length > most)
        throw new UnsupportedPart(`a normalizer that makes ${text.length} characters more than ${most}`);
    }
    return result;
  };
}

function stepsOf(source: unknown): Normalize[] {
  if (source === null || source === undefined) return [];
  const { type } = z.object({ type: z.string() }).parse(source);
  if (type === 'Sequence') return sequence.parse(source).normalizers.flatMap(stepsOf);
  if (type === 'Precompiled' || type === 'Nmt') throw new UnsupportedPart(`the normalizer ${type}`);
  return [stepOf(part.parse(source))];
}

function stepOf(source: z.infer<typeof part>): Normalize {
  switch (source.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => text.normalize(source.type);
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '');
    case 'Strip':
      return (text) => {
        const left = source.strip_left ? text.replace(/^\p{White_Space}+/u, '') : text;
        return source.strip_right ? trimEnd(left) : left;
      };
    case 'Prepend':
      return (text) => (text === '' ? '' : source.prepend + text);
    case 'Replace': {
      const found = compiled(source.pattern);
      return (text) => text.replace(found, () => source.content);
    }
    case 'ByteLevel':
      return byteCharacters;
    case 'BertNormalizer':
      return bert(source);
    default:
      return source satisfies never;
  }
}

/** A final sigma is not told from others. */
function lowercase(text: string): string {
  return text.replace(/\P{ASCII}|[A-Z]+/gu, (found) => found.toLowerCase());
}

export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

function bert(source: Extract<z.infer<typeof part>, { type: 'BertNormalizer' }>): Normalize {
  const steps: Normalize[] = [];
  if (source.clean_text)
    steps.push((text) =>
      text.replace(/[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu, '').replace(/\p{White_Space}/gu, ' '),
    );
  if (source.handle_chinese_chars) steps.push((text) => text.replace(CHINESE, ' $& '));
  if (source.strip_accents ?? source.lowercase)
    steps.push((text) => text.normalize('NFD').replace(/\p{Mn}/gu, ''));
  if (source.lowercase) steps.push(lowercase);
  return (text) => steps.reduce((result, step) => step(result), text);
}
