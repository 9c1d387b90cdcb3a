import { getCollection } from 'astro:content';
import type { APIRoute, GetStaticPaths } from 'astro';
import { hasDocs, sectionsOf } from '../../lib/docs.ts';

export const getStaticPaths: GetStaticPaths = () => (hasDocs ? [{ params: { index: 'search' } }] : []);

/** As content.config.ts makes it. */
interface Page {
  id: string;
  body?: string;
  data: { headings: string[] };
}

/** What the search looks through: the parts of every page. */
export const GET: APIRoute = async () => {
  const entries: Page[] = await getCollection('docs');
  return Response.json(
    entries.flatMap(({ id, body, data }) => sectionsOf({ id, text: body ?? '' }, data.headings)),
  );
};
