import type { APIRoute } from 'astro';
import { listedColumns } from '../../lib/listed.ts';

/** What the front page's table, picture and filters are drawn from. */
export const GET: APIRoute = async () => Response.json(await listedColumns());
