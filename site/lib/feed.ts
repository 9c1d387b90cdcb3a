/** Sitemap, feed and robots.txt of the site. Pure; they name whole addresses, so only a site that knows its own has them. */
import { measureOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { describeMeasure } from './format.ts';
import { layersWords } from './hook-words.ts';
import { html, type Markup } from './html.ts';
import { recordPage } from './release.ts';

/** Entries of the feed: what readers have not seen is seldom older. */
const NEWEST = 50;

/** What XML 1.0 cannot hold, escaped or not. */
const NOT_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

function document(root: Markup): string {
  return `<?xml version="1.0" encoding="utf-8"?>\n${root.text.replace(NOT_XML, '\uFFFD')}\n`;
}

/** @param pages whole addresses */
export function sitemap(pages: readonly string[]): string {
  return document(
    html`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${pages
      .toSorted()
      .map((page) => html`<url><loc>${page}</loc></url>`)}</urlset>`,
  );
}

/** @param home the site's whole address, its base path included */
export function robots(home: URL | null): string {
  const lines = ['User-agent: *', 'Allow: /'];
  if (home !== null) lines.push(`Sitemap: ${new URL('sitemap.xml', home).href}`);
  return `${lines.join('\n')}\n`;
}

/** When a record was finished; null for one that does not say, as published figures do not. */
function finished({ provenance: { started, wall_seconds } }: EvaluationRecord): Date | null {
  return started === null ? null : new Date(Date.parse(started) + 1_000 * (wall_seconds ?? 0));
}

/** Definitions that an entry tells, where the record has a value. */
const told = [
  'interpscore@0.0.1',
  'var_exp@pooled-v1',
  'loss_recovered@interpscore-0.0.1',
  'l0@v1',
  'alive@v1',
] as const;

/** Dated results, newest first (Atom, RFC 4287). */
export function feed(records: readonly EvaluationRecord[], home: URL): string {
  const dated = records
    .flatMap((entry) => {
      const at = finished(entry);
      return at === null ? [] : [{ entry, at }];
    })
    .toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.entry.id < b.entry.id ? -1 : 1))
    .slice(0, NEWEST);
  // A feed must have a date; one without entries has not changed since dates began.
  const updated = dated[0]?.at ?? new Date(0);
  return document(
    html`<feed xmlns="http://www.w3.org/2005/Atom"><title>Interpboard: new results</title><id>${home.href}</id><link rel="self" href="${new URL('feed.xml', home).href}"/><link href="${home.href}"/><updated>${updated.toISOString()}</updated><author><name>Interpboard</name></author>${dated.map(
      ({ entry, at }) => entryOf(entry, at, home),
    )}</feed>`,
  );
}

function entryOf(entry: EvaluationRecord, at: Date, home: URL): Markup {
  const page = new URL(recordPage(entry), home).href;
  const values = told.flatMap((id) => {
    const { value, interval } = describeMeasure(measureOf(entry, id), id);
    return value === null ? [] : [`${id} ${value}${interval === null ? '' : ` (${interval})`}`];
  });
  return html`<entry><title>${entry.sae.name} of ${entry.model.id}</title><id>${page}</id><link href="${page}"/><updated>${at.toISOString()}</updated><summary>${[
    `${entry.sae.architecture}, ${layersWords([entry.sae])}.`,
    values.join(', '),
  ].join(' ')}</summary></entry>`;
}
