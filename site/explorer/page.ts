/** The explorer's places in the page, and writing into them. */

import { html, type Markup } from '../lib/html.ts';
import { formatCount } from '../lib/numbers.ts';
import { comparePath } from '../lib/url.ts';
import { showPicks, writeInto } from './controls.ts';
import type { Scatter } from './scatter.ts';
import { legendView, pictureTitle, pictureView } from './scatter-view.ts';
import { type State, sameSet } from './state.ts';
import { bodyView, FIRST_ROWS, headView } from './table-view.ts';
import type { View } from './view.ts';

/** Rows that are written at once, about what a screen holds; the others follow when that is painted. */
const AT_ONCE = 20;
/** Rows that are added at a time, when all are asked for. */
const CHUNK = 100;
/** Below this a single panel is drawn as narrow as one of several, pixels. */
const NARROW = 560;

export interface Notes {
  unknown: readonly string[];
  failures: readonly string[];
  start: State;
}

export interface Page {
  root: HTMLElement;
  part(name: string): HTMLElement;
  isNarrow(): boolean;
  draw(view: View, notes: Notes): void;
  /** The picks alone. */
  mark(view: View, state: State): void;
  say(words: string): void;
  ready(): void;
  download(text: string, name: string, type: string): void;
  copy(text: string, said: string): Promise<void>;
  whenTurnedTo(use: () => void): void;
  whenWidthChanges(use: () => void): void;
}

export function pageOf(root: HTMLElement): Page {
  const parts = new Map(
    [...root.querySelectorAll<HTMLElement>('[data-part]')].map((part) => [part.dataset.part, part]),
  );
  const part = (name: string): HTMLElement => {
    const element = parts.get(name);
    if (element === undefined) throw new Error(`explorer: found no part ${name}; expected one in the page.`);
    return element;
  };
  const written = new Map<string, string>();
  const write = (name: string, markup: Markup): void => {
    if (written.get(name) === markup.text) return;
    written.set(name, markup.text);
    writeInto(part(name), markup);
  };
  const say = (words: string): void => {
    if (part('status').textContent !== words) part('status').textContent = words;
  };
  const isNarrow = (): boolean => part('picture').clientWidth < NARROW;
  let drawn = 0;
  let withAll = false;
  let picked: State['pick'] = [];
  let pictured: Scatter | null = null;

  const addRows = (view: View, from: number, which: number, first?: Markup): void => {
    const end = view.state.all ? view.rows.length : Math.min(FIRST_ROWS, view.rows.length);
    if (from >= end) return;
    const to = first === undefined ? from + CHUNK : FIRST_ROWS;
    setTimeout(() => {
      if (which !== drawn) return;
      part('body').insertAdjacentHTML('beforeend', (first ?? bodyView(view, from, to)).text);
      // Rows follow in their own time; picks may have been made meanwhile.
      showPicks(root, { pick: picked });
      addRows(view, to, which);
    });
  };
  const drawRows = (view: View): void => {
    const parts = [bodyView(view, 0, AT_ONCE), bodyView(view, AT_ONCE, FIRST_ROWS)] as const;
    const text = parts[0].text + parts[1].text;
    // Rows that were added when all were asked for are not among what was written.
    if (written.get('body') === text && !view.state.all && !withAll) return;
    written.set('body', text);
    withAll = view.state.all;
    drawn++;
    writeInto(part('body'), parts[0]);
    addRows(view, AT_ONCE, drawn, parts[1]);
  };
  const mark = ({ source }: View, { pick }: State): void => {
    picked = pick;
    showPicks(root, { pick });
    const link = part('compare') as HTMLAnchorElement;
    link.toggleAttribute('hidden', pick.length < 2);
    link.href = comparePath(pick);
    link.textContent = `Compare ${pick.length} SAEs`;
    if (pick.length === 1) say(`One of ${source.columns.count} SAEs picked: pick another to compare.`);
  };

  return {
    root,
    part,
    isNarrow,
    say,
    mark,
    draw(view, notes) {
      const { state, picture, x, y, rows } = view;
      const focus = focused(root);
      if (picture !== pictured) {
        pictured = picture;
        write('title', html`${pictureTitle(view)}`);
        write('picture', pictureView({ picture, state, x, y }));
        write('legend', legendView({ picture, state, x, y }, state));
      }
      write('head', headView(view));
      drawRows(view);
      const left = state.all ? 0 : Math.max(0, rows.length - FIRST_ROWS);
      part('more').hidden = left === 0;
      write('shown', html`The first ${FIRST_ROWS} of ${formatCount(rows.length)} rows.`);
      write('all', html`Show all ${formatCount(rows.length)}`);
      mark(view, state);
      say(statusOf(view, notes));
      focus();
    },
    ready() {
      for (const set of root.querySelectorAll('fieldset[disabled]')) set.removeAttribute('disabled');
      for (const button of root.querySelectorAll<HTMLButtonElement>('button[disabled]'))
        button.disabled = false;
    },
    download(text, name, type) {
      const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
      const link = document.createElement('a');
      [link.href, link.download] = [address, name];
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
    },
    async copy(text, said) {
      try {
        await navigator.clipboard.writeText(text);
        say(said);
      } catch {
        say('This browser does not let a page copy here: download the file instead.');
      }
    },
    whenTurnedTo(use) {
      const events = ['pointerover', 'pointerdown', 'focusin'] as const;
      const once = (): void => {
        for (const event of events) root.removeEventListener(event, once);
        use();
      };
      for (const event of events) root.addEventListener(event, once);
    },
    whenWidthChanges(use) {
      let was = isNarrow();
      new ResizeObserver(() => {
        if (isNarrow() === was) return;
        was = isNarrow();
        use();
      }).observe(part('picture'));
    },
  };
}

function statusOf(
  { rows, source: { columns }, state, fields }: View,
  { unknown, failures, start }: Notes,
): string {
  const sort =
    fields.find(({ id }) => id === state.sort)?.name ?? (state.sort === 'name' ? 'name' : state.sort);
  const shown = `${formatCount(rows.length)} of ${formatCount(columns.count)} SAEs, by ${sort}, ${
    state.descending ? 'descending' : 'ascending'
  }.`;
  const kinds = sameSet(state.facets.kind, start.facets.kind) ? startKindsNote(columns.text.kind, start) : '';
  const asked = unknown.length > 0 ? ` The address asks for what is not here: ${unknown.join(', ')}.` : '';
  return [shown + kinds + asked, ...failures].join(' ');
}

function startKindsNote({ values, at }: { values: string[]; at: number[] }, start: State): string {
  const left = at.filter((place) => !start.facets.kind.includes(values[place] ?? '')).length;
  if (start.facets.kind.length === 0 || left === 0) return '';
  return ` ${left} that their publishers call provisional, or quote from papers, are left out: see Kind.`;
}

/** Gives the focus back to the element that takes the place of the focused one. */
function focused(root: HTMLElement): () => void {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || !root.contains(active)) return () => {};
  const selector = selectorOf(active);
  return () => {
    if (selector === null || active.isConnected) return;
    root.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
  };
}

function selectorOf(element: HTMLElement): string | null {
  if (element.dataset.sort !== undefined) return `[data-sort="${CSS.escape(element.dataset.sort)}"]`;
  const panel = element.closest<HTMLElement>('[data-panel]')?.dataset.panel;
  if (panel !== undefined) return `[data-panel="${panel}"] .plot`;
  if (element instanceof HTMLInputElement)
    return `input[name="${element.name}"][value="${CSS.escape(element.value)}"]`;
  return null;
}
