/** The project's documentation as pages of the site. A report of a user's own leaves it out: INTERPBOARD_DOCS=1 asks for it. */
import { posix } from 'node:path';

export const hasDocs = process.env.INTERPBOARD_DOCS === '1';

export interface DocsPage {
  /** Path in docs/ without its ending; `README` is the first page. */
  id: string;
  text: string;
}

/** A part of a page under one heading, as the search looks through it. */
export interface Section {
  /** Path from the site's root, with the heading's anchor. */
  path: string;
  page: string;
  heading: string;
  text: string;
}

/** Pages in the order in which the first one links to them, with its words for them. */
export function docsOrder(first: string): { id: string; label: string }[] {
  const links = [...first.matchAll(/\[([^\]]+)\]\(([\w/-]+)\.md\)/g)].map(([, label, id]) => ({
    id: id!,
    label: label!.charAt(0).toUpperCase() + label!.slice(1),
  }));
  return links.filter(({ id }, i) => links.findIndex((other) => other.id === id) === i);
}

/** Path of a page from the site's root. */
export function docsPath(id: string): string {
  return id === 'README' ? 'docs/' : `docs/${id.toLowerCase()}/`;
}

/**
 * A rendered page as a page of the site. Links from file to file become links from page to page; what is no page of docs/ (a
 * fixture, a source file) is not part of the site, and its words stay. The alignment of columns becomes classes, as the site's
 * Content-Security-Policy allows no styles in the text; a corner of a table that says nothing is no heading.
 *
 * @param site makes an address of a path from the site's root
 */
export function siteHtml(
  html: string,
  id: string,
  ids: ReadonlySet<string>,
  site: (path: string) => string,
): string {
  const aligned = html
    .replace(/ style="text-align: ?(left|center|right);?"/g, ' class="$1"')
    .replace(/<th([^>]*)><\/th>/g, '<td$1></td>');
  return aligned.replace(
    /<a href="([^"]*)"([^>]*)>(.*?)<\/a>/gs,
    (whole, href: string, rest: string, words: string) => {
      if (/^https?:|^#/.test(href)) return whole;
      const [file = '', anchor] = href.split('#');
      const to = posix.join(posix.dirname(id), file).replace(/\.md$/, '');
      if (!file.endsWith('.md') || !ids.has(to)) return words;
      return `<a href="${site(docsPath(to))}${anchor === undefined ? '' : `#${anchor}`}"${rest}>${words}</a>`;
    },
  );
}

export function titleOf({ id, text }: DocsPage): string {
  return /^# (.*)$/m.exec(text)?.[1] ?? id;
}

/** The parts of a page. @param slugs ids of its headings, in their order */
export function sectionsOf(page: DocsPage, slugs: readonly string[]): Section[] {
  const parts = page.text
    .replace(/<!--.*?-->/gs, '')
    .split(/^(?=#{1,6} )/m)
    .filter((part) => part.startsWith('#'));
  return parts.map((part, i) => {
    const [heading = '', ...lines] = part.split('\n');
    return {
      path: `${docsPath(page.id)}#${slugs[i] ?? ''}`,
      page: titleOf(page),
      heading: plain(heading.replace(/^#+ /, '')),
      text: plain(lines.join(' ')),
    };
  });
}

/** Words without Markdown's signs. */
function plain(markdown: string): string {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*|>]|\\(?=[*_|])|-{3,}/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
