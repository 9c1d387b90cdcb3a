import type { APIRoute } from 'astro';
import { listedTable } from '../../lib/listed.ts';
import { tidyParquet } from '../../lib/parquet.ts';

/** The same table as records.csv. */
export const GET: APIRoute = async () =>
  new Response(tidyParquet(await listedTable()), {
    headers: { 'Content-Type': 'application/vnd.apache.parquet' },
  });
