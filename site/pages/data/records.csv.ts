import type { APIRoute } from 'astro';
import { listedRecords } from '../../lib/records.ts';
import { tidyCsv, tidyTable } from '../../lib/tidy.ts';

/** Every value of every record, a row each: docs/data.md. */
export const GET: APIRoute = async () =>
  new Response(tidyCsv(tidyTable(await listedRecords())), { headers: { 'Content-Type': 'text/csv' } });
