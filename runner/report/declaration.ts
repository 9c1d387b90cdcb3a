/** A suite's declaration as a record carries it: of a suite from a user's own file, so that any site can show its part. */
import { z } from 'zod';
import { count, name, text } from './measure.ts';
import type { SuiteDeclaration } from './suite.ts';

const ID = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** `metric@version`, as the project's own are named. */
const DEFINITION_ID = /^[a-z0-9_]+@[A-Za-z0-9_.-]+$/;

const definition = z.strictObject({
  metric: name,
  group: name,
  title: name,
  short: z.string().min(1).max(60),
  formula: text.min(1),
  note: text,
  unit: z.string().max(60),
  direction: z.enum(['higher', 'lower', 'neutral']),
  digits: count.max(20),
  range: z.tuple([z.number().nullable(), z.number().nullable()]),
  warning: text.optional(),
});

const key = z
  .string()
  .regex(/^[A-Za-z0-9_-]+$/)
  .max(60);

const view = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('measures'),
    title: name,
    ids: z.array(name).min(1).max(200),
    total: name.optional(),
  }),
  z.strictObject({
    kind: z.literal('curve'),
    key,
    title: name,
    x: z.string().min(1).max(20),
    xLabel: name,
    scale: z.literal('linear').optional(),
    lines: z
      .array(z.strictObject({ key, label: z.string().min(1).max(30), column: name, definition: name }))
      .min(1)
      .max(8),
    include: z.array(z.number()).max(8),
    note: text,
  }),
  z.strictObject({
    kind: z.literal('table'),
    key,
    title: name,
    row: name,
    columns: z
      .array(
        z.strictObject({
          key,
          label: name,
          definition: name.optional(),
          compared: z.literal(true).optional(),
        }),
      )
      .min(1)
      .max(40),
  }),
  z.strictObject({ kind: z.literal('examples'), key, title: name }),
]);

export const suiteDeclaration = z.strictObject({
  id: z.string().regex(ID, 'expected lower-case words joined by -').max(60),
  title: name,
  about: text,
  leads: z.literal(true).optional(),
  definitions: z.record(
    z.string().regex(DEFINITION_ID, 'expected an id such as my_metric@v1').max(100),
    definition,
  ),
  views: z.array(view).min(1).max(40),
});

/** With the file it came from. */
export const carriedDeclaration = suiteDeclaration.extend({
  file: name,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits'),
});

export type CarriedDeclaration = z.infer<typeof carriedDeclaration>;

// The words of suite.ts and this schema say the same.
null as unknown as z.infer<typeof suiteDeclaration> satisfies SuiteDeclaration;
