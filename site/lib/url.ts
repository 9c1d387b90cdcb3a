/** Addresses inside the site. Every link goes through here, so that the site works under any base path. */

const base = import.meta.env.BASE_URL.replace(/\/+$/, '');

/** Address of a page or asset by its path from the site's root: `sitePath('compare/')`. */
export function sitePath(path: string): string {
  return `${base}/${path.replace(/^\/+/, '')}`;
}

export function saePath(id: string): string {
  return sitePath(`sae/${id}/`);
}

/** The record itself, as the runner wrote it. */
export function recordPath(id: string): string {
  return sitePath(`sae/${id}.json`);
}

/** Id of the element that explains a definition on the methodology page. */
export function definitionAnchor(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

export function definitionPath(id: string): string {
  return sitePath(`methodology/#${definitionAnchor(id)}`);
}

/** The most SAEs that the page of comparisons takes: more columns compare nothing. */
export const MOST_COMPARED = 4;

/** Of the first of them, where they are more than it takes. */
export function comparePath(ids: readonly string[]): string {
  const query = ids
    .slice(0, MOST_COMPARED)
    .map((id) => `sae=${encodeURIComponent(id)}`)
    .join('&');
  return sitePath(`compare/${query ? `?${query}` : ''}`);
}
