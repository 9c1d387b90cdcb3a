/** The search over the documentation: one file of its parts, fetched when the field is first used. */
import type { Section } from '../lib/docs.ts';
import { fetchJson } from '../lib/fetch-json.ts';
import { searchSections } from '../lib/search-sections.ts';

const form = document.querySelector<HTMLFormElement>('form.docs-search');
const input = form?.querySelector('input');
const list = form?.querySelector('ol');
const status = form?.querySelector<HTMLElement>('[role="status"]');

if (form && input && list && status) {
  const root = form.dataset.root ?? '/';
  let sections: Promise<readonly Section[]> | undefined;
  const load = (): Promise<readonly Section[]> => {
    sections ??= fetchJson<readonly Section[]>(`${root}docs/search.json`).catch((reason: unknown) => {
      // A failure is not kept: the next use asks again.
      sections = undefined;
      throw reason;
    });
    return sections;
  };
  const show = async (): Promise<void> => {
    const query = input.value;
    const hits = searchSections(await load(), query);
    if (query !== input.value) return;
    list.replaceChildren(
      ...hits.map(({ section, excerpt }) => {
        const link = document.createElement('a');
        link.href = `${root}${section.path}`;
        link.textContent =
          section.heading === section.page ? section.page : `${section.page}: ${section.heading}`;
        const text = document.createElement('p');
        text.textContent = excerpt;
        const item = document.createElement('li');
        item.append(link, text);
        return item;
      }),
    );
    status.textContent =
      query.trim() === '' ? '' : hits.length === 0 ? 'Nothing found.' : `${hits.length} found.`;
  };
  form.addEventListener('submit', (event) => event.preventDefault());
  const fail = (reason: unknown): void => {
    status.textContent = reason instanceof Error ? reason.message : String(reason);
  };
  input.addEventListener('focus', () => void load().catch(fail), { once: true });
  input.addEventListener('input', () => void show().catch(fail));
}
