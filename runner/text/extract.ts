import { z } from 'zod';
import { MalformedError } from '../errors.ts';
import type { Tokenizer } from './tokenizer.ts';

/** How the text of a row is found, by the shapes that data sets come in. */
export type Extractor =
  | { kind: 'text'; field?: string }
  | { kind: 'conversations'; field?: string; thinking: boolean }
  | { kind: 'problem-solution'; problemField?: string; solutionField?: string };

const ROLES: Readonly<Record<string, string>> = { human: 'user', gpt: 'assistant' };
const message = z.union([
  z.object({ role: z.string(), content: z.string() }),
  z
    .object({ from: z.string(), value: z.string() })
    .transform(({ from, value }) => ({ role: ROLES[from] ?? from, content: value })),
]);
const conversation = z.array(message).min(1);

/**
 * The text of one row. Conversations ({role, content} or {from, value}) go through the chat template; problems become
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
  switch (extractor.kind) {
    case 'text':
      return stringField(row, extractor.field ?? 'text', thing);
    case 'problem-solution': {
      const problem = stringField(row, extractor.problemField ?? 'problem', thing);
      const solution = stringField(row, extractor.solutionField ?? 'solution', thing);
      return `Problem: ${problem}\n\nSolution: ${solution}`;
    }
    case 'conversations': {
      const name = extractor.field ?? 'conversations';
      const result = conversation.safeParse(fieldOf(row, name));
      if (!result.success) {
        throw missing(
          `${thing} ${name}`,
          describe(fieldOf(row, name)),
          'a list of {role, content} or {from, value}',
        );
      }
      return tokenizer.applyChat(result.data, { thinking: extractor.thinking });
    }
  }
}

function stringField(row: unknown, name: string, thing: string): string {
  const value = fieldOf(row, name);
  if (typeof value !== 'string') throw missing(`${thing} ${name}`, describe(value), 'a string');
  return value;
}

function fieldOf(row: unknown, name: string): unknown {
  return typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[name] : undefined;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list of another shape';
  return value === null ? 'null' : `a value of type ${typeof value}`;
}

function missing(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'Check the field names that the source names.' });
}
