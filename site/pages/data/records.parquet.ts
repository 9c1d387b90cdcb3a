import type { APIRoute } from 'astro';
import { tidyParquet } from '../../lib/parquet.ts';
import { listedRecords } from '../../lib/records.ts';
import { tidyTable } from '../../lib/tidy.ts';

/** The same table as records.csv. */
export const GET: APIRoute = async () =>
  new Response(tidyParquet(tidyTable(await listedRecords())), {
    headers: { 'Content-Type': 'application/vnd.apache.parquet' },
  });
