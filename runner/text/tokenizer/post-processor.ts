/** What a tokenizer.json puts around the ids of a text. */
import { z } from 'zod';
import { UnsupportedPart } from './unsupported-part.ts';

export type Surround = (ids: number[]) => number[];

const pair = z.tuple([z.string(), z.int().nonnegative()]);
const part = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ByteLevel') }),
  z.object({ type: z.enum(['BertProcessing', 'RobertaProcessing']), cls: pair, sep: pair }),
  z.object({
    type: z.literal('TemplateProcessing'),
    single: z
      .array(
        z.union([
          z.object({ SpecialToken: z.object({ id: z.string() }) }),
          z.object({ Sequence: z.object({ id: z.literal('A') }) }),
        ]),
      )
      .max(100),
    special_tokens: z.record(z.string(), z.object({ ids: z.array(z.int().nonnegative()).max(100) })),
  }),
]);
const sequence = z.object({ type: z.literal('Sequence'), processors: z.array(z.unknown()).max(100) });

/** @throws UnsupportedPart or ZodError */
export function postProcessor(source: unknown): Surround {
  if (source === null || source === undefined) return (ids) => ids;
  const { type } = z.object({ type: z.string() }).parse(source);
  if (type === 'Sequence') {
    const steps = sequence.parse(source).processors.map(postProcessor);
    return (ids) => steps.reduce((result, step) => step(result), ids);
  }
  if (!part.options.some(({ shape }) => shape.type.safeParse(type).success))
    throw new UnsupportedPart(`the post-processor ${type}`);
  const parsed = part.parse(source);
  switch (parsed.type) {
    case 'ByteLevel':
      return (ids) => ids;
    case 'BertProcessing':
    case 'RobertaProcessing':
      return (ids) => [parsed.cls[1], ...ids, parsed.sep[1]];
    case 'TemplateProcessing': {
      const { single, special_tokens } = parsed;
      const parts = single.map((each) => {
        if ('Sequence' in each) return null;
        const ids = special_tokens[each.SpecialToken.id]?.ids;
        if (ids === undefined)
          throw new UnsupportedPart(`the token ${each.SpecialToken.id} of a template, without its ids`);
        return ids;
      });
      return (ids) => parts.flatMap((each) => each ?? ids);
    }
    default:
      return parsed satisfies never;
  }
}
