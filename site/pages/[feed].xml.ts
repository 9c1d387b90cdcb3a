import type { APIRoute, GetStaticPaths } from 'astro';
import { feed } from '../lib/feed.ts';
import { listedRecords } from '../lib/records.ts';
import { sitePath } from '../lib/url.ts';

/** Results by date. A site that does not know its own address has none: entries are named by whole addresses. */
export const getStaticPaths = (() =>
  import.meta.env.SITE ? [{ params: { feed: 'feed' } }] : []) satisfies GetStaticPaths;

export const GET: APIRoute = async ({ site }) =>
  new Response(feed(await listedRecords(), new URL(sitePath(''), site)), {
    headers: { 'Content-Type': 'application/atom+xml' },
  });
