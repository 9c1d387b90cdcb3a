/** The table's rows in the document: those that a screen holds first, the others when that is painted. */
import type { Markup } from '../lib/html.ts';
import { formatCount } from '../lib/numbers.ts';
import { afterPaint } from './painting.ts';
import { patch, patchChildren } from './patch.ts';
import { AT_ONCE, bodyView, FIRST_ROWS, headView } from './table-view.ts';
import type { View } from './view.ts';

/** Rows that are added at a time, when all are asked for. */
const CHUNK = 100;

export interface TableParts {
  head: HTMLElement;
  body: HTMLElement;
  /** How many rows are shown, and the way to the others. */
  more: HTMLElement;
  shown: HTMLElement;
  all: HTMLElement;
}

export interface TableDrawing {
  /** Head and first rows; rows behind them stay as they are until `others`, so that the page keeps its height. */
  first(view: View): void;
  others(view: View): void;
}

/** @param added called when rows came into the document */
export function tableDrawing({ head, body, more, shown, all }: TableParts, added: () => void): TableDrawing {
  const written = new Map<HTMLElement | 'others', string>();
  const isWritten = (place: HTMLElement | 'others', { text }: Markup): boolean => {
    if (written.get(place) === text) return true;
    written.set(place, text);
    return false;
  };
  /** Lines of the first rows, with their headings; null of the built page, where nobody counted. */
  let lines: number | null = null;
  /** Whether rows beyond the first were added. */
  let withAll = false;
  let latest: View | null = null;

  const addRows = (view: View, from: number): void => {
    if (from >= view.rows.length) return;
    afterPaint(() => {
      if (view !== latest) return;
      body.insertAdjacentHTML('beforeend', bodyView(view, from, from + CHUNK).text);
      added();
      addRows(view, from + CHUNK);
    });
  };

  return {
    first(view) {
      latest = view;
      const top = headView(view);
      if (!isWritten(head, top)) patch(head, top);
      const rows = bodyView(view, 0, AT_ONCE);
      if (isWritten(body, rows)) return;
      const made = rowsOf(rows);
      const count = made.childElementCount;
      replaceRows(body, 0, lines ?? count, made);
      lines = count;
    },
    others(view) {
      const { state, rows } = view;
      const rest = bodyView(view, AT_ONCE, FIRST_ROWS);
      if (!isWritten('others', rest) || state.all || withAll) {
        withAll = state.all;
        replaceRows(body, lines ?? 0, body.childElementCount, rowsOf(rest));
        if (state.all) addRows(view, FIRST_ROWS);
      }
      more.hidden = state.all || rows.length <= FIRST_ROWS;
      shown.textContent = `The first ${FIRST_ROWS} of ${formatCount(rows.length)} rows.`;
      all.textContent = `Show all ${formatCount(rows.length)}`;
      added();
    },
  };
}

function rowsOf({ text }: Markup): DocumentFragment {
  const template = document.createElement('template');
  template.innerHTML = text;
  return template.content;
}

/** Puts rows in the place of those from one to another. */
function replaceRows(body: HTMLElement, from: number, to: number, rows: DocumentFragment): void {
  patchChildren(body, body.children[from] ?? null, body.children[to] ?? null, rows);
}
