import { z } from 'zod';

/** Every setting with its words, for --help. */
export function describeFields(schema: z.ZodType, prefix = ''): { path: string; text: string }[] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([key, inner]) =>
      describeFields(inner as z.ZodType, prefix === '' ? key : `${prefix}.${key}`),
    );
  }
  const wrapped = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  if (wrapped && schema.description === undefined) {
    return describeFields(schema.unwrap() as z.ZodType, prefix);
  }
  return [{ path: prefix, text: schema.description ?? '' }];
}
