import type { APIRoute } from 'astro';
import { z } from 'zod';
import { recordObject } from '../../../runner/report/schema.ts';

/** The record as a JSON Schema. Rules between fields, such as the range of a definition, it cannot say. */
export const GET: APIRoute = () =>
  Response.json({
    title: 'Interpboard record: one SAE at one hook of one model, and what was measured of it',
    ...z.toJSONSchema(recordObject),
  });
