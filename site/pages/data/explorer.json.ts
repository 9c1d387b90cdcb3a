import type { APIRoute } from 'astro';
import { columnsOf } from '../../lib/columns-of.ts';
import { listedRecords } from '../../lib/records.ts';

/** What the front page's table, picture and filters are drawn from. */
export const GET: APIRoute = async () => Response.json(columnsOf(await listedRecords()));
