import type { APIRoute } from 'astro';
import { listedTable } from '../../lib/listed.ts';
import { tidyCsv } from '../../lib/tidy.ts';

/** Every value of every record, a row each: docs/data.md. */
export const GET: APIRoute = async () =>
  new Response(tidyCsv(await listedTable()), { headers: { 'Content-Type': 'text/csv' } });
