/** Decoders of a tokenizer.json: the tokens of ids back to a text. */
import { z } from 'zod';
import { bytesOf } from './bytes.ts';
import { compiled, pattern } from './pattern.ts';
import { UnsupportedPart } from './unsupported-part.ts';

type Step = (tokens: string[]) => string[];

const part = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ByteLevel') }),
  z.object({ type: z.literal('ByteFallback') }),
  z.object({ type: z.literal('Fuse') }),
  z.object({ type: z.literal('Replace'), pattern, content: z.string().max(1_000) }),
  z.object({
    type: z.literal('Strip'),
    content: z.string().min(1).max(2),
    start: z.int().nonnegative(),
    stop: z.int().nonnegative(),
  }),
  z.object({
    type: z.literal('Metaspace'),
    replacement: z.string().min(1).max(2).default('\u2581'),
    prepend_scheme: z.enum(['always', 'first', 'never']).default('always'),
  }),
  z.object({
    type: z.literal('WordPiece'),
    prefix: z.string().default('##'),
    cleanup: z.boolean().default(true),
  }),
  z.object({ type: z.literal('BPEDecoder'), suffix: z.string().default('</w>') }),
]);
const sequence = z.object({ type: z.literal('Sequence'), decoders: z.array(z.unknown()).max(100) });

/** @throws UnsupportedPart or ZodError */
export function decoder(source: unknown): (tokens: string[]) => string {
  if (source === null || source === undefined) return (tokens) => tokens.join(' ');
  const steps = stepsOf(source);
  return (tokens) => steps.reduce((result, step) => step(result), tokens).join('');
}

function stepsOf(source: unknown): Step[] {
  const { type } = z.object({ type: z.string() }).parse(source);
  if (type === 'Sequence') return sequence.parse(source).decoders.flatMap(stepsOf);
  if (!part.options.some(({ shape }) => shape.type.safeParse(type).success))
    throw new UnsupportedPart(`the decoder ${type}`);
  return [stepOf(part.parse(source))];
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

function stepOf(source: z.infer<typeof part>): Step {
  switch (source.type) {
    case 'ByteLevel':
      return (tokens) => [utf8.decode(Uint8Array.from(tokens.flatMap((token) => [...bytesOf(token)])))];
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Replace': {
      const found = compiled(source.pattern);
      return (tokens) => tokens.map((token) => token.replace(found, () => source.content));
    }
    case 'Strip':
      return (tokens) => tokens.map((token) => stripped(token, source));
    case 'Metaspace': {
      const { replacement, prepend_scheme: scheme } = source;
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '));
    }
    case 'WordPiece': {
      const { prefix, cleanup } = source;
      const whole = (token: string, i: number): string => {
        if (i === 0) return token;
        return token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      };
      return (tokens) => tokens.map((token, i) => (cleanup ? cleanedUp(whole(token, i)) : whole(token, i)));
    }
    case 'BPEDecoder':
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(source.suffix, i === tokens.length - 1 ? '' : ' '));
    default:
      return source satisfies never;
  }
}

/** Bytes in a row that are no UTF-8 become one U+FFFD each. */
function byteFallback(tokens: string[]): string[] {
  const result: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      result.push(strictUtf8.decode(Uint8Array.from(bytes)));
    } catch {
      result.push(...bytes.map(() => '\ufffd'));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([\da-f]{2})>$/i.exec(token)?.[1];
    if (byte !== undefined) bytes.push(Number.parseInt(byte, 16));
    else {
      flush();
      result.push(token);
    }
  }
  flush();
  return result;
}

function stripped(
  token: string,
  { content, start, stop }: { content: string; start: number; stop: number },
): string {
  let [from, to] = [0, token.length];
  for (let i = 0; i < start && token.startsWith(content, from); i++) from += content.length;
  for (let i = 0; i < stop && to - content.length >= from; i++) {
    if (token.slice(to - content.length, to) !== content) break;
    to -= content.length;
  }
  return token.slice(from, to);
}

const CLEANUP: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

function cleanedUp(token: string): string {
  return CLEANUP.reduce((text, [from, to]) => text.replaceAll(from, to), token);
}
