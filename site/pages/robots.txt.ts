import type { APIRoute } from 'astro';
import { robots } from '../lib/feed.ts';
import { sitePath } from '../lib/url.ts';

/** Read by crawlers where the site lies at the root of its host. */
export const GET: APIRoute = ({ site }) =>
  new Response(robots(site === undefined ? null : new URL(sitePath(''), site)), {
    headers: { 'Content-Type': 'text/plain' },
  });
