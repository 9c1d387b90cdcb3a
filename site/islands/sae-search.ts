/** A box that finds SAEs by words: name, model, layer, architecture, release. The list is fetched when it is first used. */
import { type Columns, textAt } from '../lib/columns.ts';
import { fetchJson } from '../lib/fetch-json.ts';
import { html } from '../lib/html.ts';
import { kindLabels } from '../lib/kinds.ts';
import { sitePath } from '../lib/url.ts';

export interface FoundSae {
  id: string;
  name: string;
  model: string;
  layer: number | null;
  kind: string;
  /** Whole address of its page. */
  href: string;
  /** Everything that can be searched, in small letters. */
  words: string;
}

/** Of one list. */
const SHOWN = 20;

let index: Promise<FoundSae[]> | undefined;

export function loadIndex(): Promise<FoundSae[]> {
  index ??= fetchJson<Columns>(sitePath('data/explorer.json')).then(saesOf, (reason: unknown) => {
    // A failure is not kept: the next use asks again.
    index = undefined;
    throw reason;
  });
  return index;
}

function saesOf(columns: Columns): FoundSae[] {
  return Array.from({ length: columns.count }, (_, row) => {
    const text = (field: Parameters<typeof textAt>[1]): string => textAt(columns, field, row) ?? '';
    const { layer, k, d_sae } = columns.numbers;
    const [id, name, model, kind] = [text('id'), text('name'), text('model'), text('kind')];
    const said = (value: number | null | undefined, ...heads: string[]): string[] =>
      value == null ? [] : heads.map((head) => `${head}${value}`);
    const numbers = [...said(layer[row], 'l', 'layer '), ...said(k[row], 'k ', 'k'), ...said(d_sae[row], '')];
    const words = [id, name, model, kind, text('architecture'), text('release'), ...numbers]
      .join(' ')
      .toLowerCase();
    return { id, name, model, kind, layer: layer[row] ?? null, href: sitePath(text('url')), words };
  });
}

/** SAEs that have all the words asked for. */
export function matching(saes: readonly FoundSae[], query: string, without: readonly string[]): FoundSae[] {
  const asked = query.toLowerCase().split(/\s+/).filter(Boolean);
  return saes.filter(({ id, words }) => !without.includes(id) && asked.every((word) => words.includes(word)));
}

/**
 * Makes an input and a list a combobox.
 *
 * @param without ids that are not offered
 */
export function attachSearch(
  input: HTMLInputElement,
  list: HTMLElement,
  {
    without,
    onPick,
    onFailure,
  }: {
    without: () => readonly string[];
    onPick: (sae: FoundSae) => void;
    onFailure: (reason: unknown) => void;
  },
): void {
  let found: FoundSae[] = [];
  let active = -1;

  const close = (): void => {
    list.hidden = true;
    active = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const draw = (total: number): void => {
    list.innerHTML = html`${found.map(
      ({ name, model, layer, kind }, i) =>
        html`<li id="${list.id}-${i}" role="option" aria-selected="${i === active ? 'true' : 'false'}" data-place="${i}"><b>${name}</b> <span class="sub">${model}${layer !== null && `, layer ${layer}`}, ${kindLabels[kind as keyof typeof kindLabels] ?? kind}</span></li>`,
    )}${
      found.length === 0
        ? html`<li role="option" aria-disabled="true" aria-selected="false">No SAE has all these words.</li>`
        : total > found.length &&
          html`<li role="option" aria-disabled="true" aria-selected="false">${total - found.length} more: add a word.</li>`
    }`.text;
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
  };
  const search = async (): Promise<void> => {
    const query = input.value;
    const all = matching(await loadIndex(), query, without());
    // The reader wrote on, or went away, while the list was fetched.
    if (query !== input.value || document.activeElement !== input) return;
    found = all.slice(0, SHOWN);
    active = -1;
    draw(all.length);
  };
  const pick = (place: number): void => {
    const sae = found[place];
    if (!sae) return;
    input.value = '';
    close();
    onPick(sae);
  };
  const mark = (place: number): void => {
    active = (place + found.length) % found.length;
    for (const [i, option] of [...list.children].entries()) {
      option.setAttribute('aria-selected', String(i === active));
      if (i === active) option.scrollIntoView({ block: 'nearest' });
    }
    input.setAttribute('aria-activedescendant', `${list.id}-${active}`);
  };

  const begin = (): void => void search().catch(onFailure);
  input.addEventListener('input', begin);
  input.addEventListener('focus', begin);
  input.addEventListener('blur', () => setTimeout(close, 150));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
    if (list.hidden || found.length === 0) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      mark(active < 0 && event.key === 'ArrowUp' ? -1 : active + (event.key === 'ArrowDown' ? 1 : -1));
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      pick(Math.max(active, 0));
    }
  });
  list.addEventListener('pointerdown', (event) => {
    const option = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-place]') : null;
    if (!option) return;
    event.preventDefault();
    pick(Number(option.dataset.place));
  });
}
