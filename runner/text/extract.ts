import { z } from 'zod';
import { MalformedError, quote } from '../errors.ts';
import { BrokenRow } from '../formats/lines.ts';
import type { Tokenizer } from './tokenizer.ts';

const field = z.string().min(1).max(200);

const KINDS =
  'text: one field; conversations: turns, by the model’s chat template; problem-solution: two fields';

/** How the text of a row is found, by the shapes that data sets come in. Fields inside others are written a.b. */
export const extractor = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('text').describe(KINDS),
    field: field.default('text').describe('field of the text, or of the turns (those: conversations)'),
  }),
  z.strictObject({
    kind: z.literal('conversations').describe(KINDS),
    field: field.default('conversations').describe('field of the turns'),
    thinking: z.boolean().default(true).describe('conversations: whether the template is asked for thinking'),
  }),
  z.strictObject({
    kind: z.literal('problem-solution').describe(KINDS),
    problemField: field.default('problem').describe('problem-solution: field of the problem'),
    solutionField: field.default('solution').describe('problem-solution: field of the solution'),
  }),
]);
export type Extractor = z.infer<typeof extractor>;

/** The fields an extractor reads. */
export function fieldsOf(how: Extractor): string[] {
  return how.kind === 'problem-solution' ? [how.problemField, how.solutionField] : [how.field];
}

const ROLES: Readonly<Record<string, string>> = { human: 'user', gpt: 'assistant' };
/** A part of a turn that is text; images and sounds have no place in a text. */
const textPart = z.looseObject({ type: z.literal('text').optional(), text: z.string() });
/** Text, parts of it, or nothing besides the calls of tools. Parts are put end to end, as templates that know parts do. */
const content = z.union([
  z.string(),
  z.null(),
  z.array(textPart).transform((parts) => parts.map(({ text }) => text).join('')),
]);
const message = z.union([
  z
    .looseObject({ role: z.string(), content: content.optional() })
    .refine((turn) => (turn.content ?? turn.tool_calls ?? null) !== null),
  z
    .object({ from: z.string(), value: content })
    .transform(({ from, value }) => ({ role: ROLES[from] ?? from, content: value })),
]);
const conversation = z.array(message).min(1);

/**
 * The text of one row. Conversations ({role, content} or {from, value}) go through the chat template, with every field
 * that a turn has; problems become
 * "Problem: …\n\nSolution: …", as in the reference recipe.
 *
 * @param thing the row's name in errors.
 * @throws MalformedError when the row lacks a field or it is of another type.
 */
export function extractText(
  row: unknown,
  extractor: Extractor,
  tokenizer: Pick<Tokenizer, 'applyChat'>,
  thing: string,
): string {
  if (row instanceof BrokenRow) throw row.error;
  // A null and a conversation without turns are texts of no characters, passed over like any other that is too short.
  if (fieldsOf(extractor).some((name) => isNothing(fieldOf(row, name)))) return '';
  switch (extractor.kind) {
    case 'text':
      return stringField(row, extractor.field, thing);
    case 'problem-solution': {
      const problem = stringField(row, extractor.problemField, thing);
      const solution = stringField(row, extractor.solutionField, thing);
      return `Problem: ${problem}\n\nSolution: ${solution}`;
    }
    case 'conversations': {
      const name = extractor.field;
      const result = conversation.safeParse(fieldOf(row, name));
      if (!result.success) {
        const found = fieldOf(row, name);
        throw missing(
          `${thing} ${name}`,
          Array.isArray(found) ? describeTurns(found) : describe(found),
          'a list of {role, content} or {from, value}, the content text, parts of text or null',
        );
      }
      return tokenizer.applyChat(result.data, { thinking: extractor.thinking });
    }
  }
}

function isNothing(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function stringField(row: unknown, name: string, thing: string): string {
  const value = fieldOf(row, name);
  if (typeof value !== 'string') throw missing(`${thing} ${name}`, describe(value), 'a string');
  return value;
}

/** The value under a name, or along its parts where the row has no field of the whole name. */
export function fieldOf(row: unknown, name: string): unknown {
  if (typeof row !== 'object' || row === null) return undefined;
  if (Object.hasOwn(row, name)) return (row as Record<string, unknown>)[name];
  const dot = name.indexOf('.');
  return dot < 0 ? undefined : fieldOf(fieldOf(row, name.slice(0, dot)), name.slice(dot + 1));
}

/** The first turn that is none. */
function describeTurns(turns: readonly unknown[]): string {
  const at = turns.findIndex((turn) => !message.safeParse(turn).success);
  const turn = turns[at];
  return `turn ${at} that is ${turn === null ? 'null' : quote(JSON.stringify(turn) ?? typeof turn)}`;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list of another shape';
  return value === null ? 'null' : `a value of type ${typeof value}`;
}

function missing(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({
    thing,
    found,
    expected,
    next: 'Check the fields that the source names, or let corpus.badRows pass over a share of such rows.',
  });
}
