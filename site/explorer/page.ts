/** The explorer's places in the page, and writing into them. */

import { counted } from '../../runner/report/counted.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatCount } from '../lib/numbers.ts';
import { saveFile } from '../lib/save-file.ts';
import { comparePath } from '../lib/url.ts';
import { showPicks } from './controls.ts';
import { afterPaint, sightOf } from './painting.ts';
import { patch } from './patch.ts';
import { legendView, pictureTitle, pictureView } from './scatter-view.ts';
import { type State, sameSet } from './state.ts';
import { tableDrawing } from './table-drawing.ts';
import type { View } from './view.ts';

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
  /**
   * Draws what is in sight, and the rest when that is on the screen.
   *
   * @param pictured called when the picture is the view's
   */
  draw(view: View, notes: Notes, pictured: () => void): void;
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
    patch(part(name), markup);
  };
  const say = (words: string): void => {
    if (part('status').textContent !== words) part('status').textContent = words;
  };
  const [picture, table] = [part('picture'), part('table')];
  // Kept, as asking for it lays the page out.
  let narrow = picture.clientWidth < NARROW;
  const inSight = sightOf([picture, table]);
  let latest: View | null = null;
  let pictured = '';
  let picked: State['pick'] = [];
  const [head, body, more] = [part('head'), part('body'), part('more')];
  const [shown, all] = [part('shown'), part('all')];
  // Rows follow in their own time; picks may have been made meanwhile.
  const drawing = tableDrawing({ head, body, more, shown, all }, () => showPicks(body, { pick: picked }));

  const drawPicture = (view: View): void => {
    if (view.drawn === pictured) return;
    pictured = view.drawn;
    const { state, x, y } = view;
    const input = { picture: view.picture(), state, x, y, walked: true };
    write('title', html`${pictureTitle(view)}`);
    write('picture', pictureView(input));
    write('legend', legendView(input, state));
  };
  const link = part('compare') as HTMLAnchorElement;
  const showPicked = ({ pick }: State): void => {
    picked = pick;
    showPicks(body, { pick });
    link.toggleAttribute('hidden', pick.length < 2);
    link.href = comparePath(pick);
    link.textContent = `Compare ${pick.length} SAEs`;
  };

  return {
    root,
    part,
    isNarrow: () => narrow,
    say,
    mark({ source: { columns } }, state) {
      showPicked(state);
      if (state.pick.length === 1) say(`One of ${columns.count} SAEs picked: pick another to compare.`);
    },
    draw(view, notes, onPicture) {
      latest = view;
      const steps = [
        {
          part: picture,
          draw: () => {
            drawPicture(view);
            onPicture();
          },
        },
        { part: table, draw: () => drawing.first(view) },
      ];
      const { now = [], later = [] } = Object.groupBy(steps, (step) =>
        inSight(step.part) ? 'now' : 'later',
      );
      for (const { draw } of now) draw();
      showPicked(view.state);
      afterPaint(() => {
        if (view !== latest) return;
        for (const { draw } of later) draw();
        drawing.others(view);
        say(statusOf(view, notes));
      });
    },
    ready() {
      for (const set of root.querySelectorAll('fieldset[disabled]')) set.removeAttribute('disabled');
      for (const button of root.querySelectorAll<HTMLButtonElement>('button[disabled]'))
        button.disabled = false;
    },
    download(text, name, type) {
      saveFile(new Blob([text], { type: `${type};charset=utf-8` }), name);
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
      new ResizeObserver(([entry]) => {
        const is = entry !== undefined && entry.contentRect.width < NARROW;
        if (is === narrow) return;
        narrow = is;
        use();
      }).observe(picture);
    },
  };
}

function statusOf(
  { rows, source: { columns }, state, fields }: View,
  { unknown, failures, start }: Notes,
): string {
  const sort =
    fields.find(({ id }) => id === state.sort)?.name ?? (state.sort === 'name' ? 'name' : state.sort);
  const shown = `${formatCount(rows.length)} of ${counted(columns.count, 'SAE')}, by ${sort}, ${
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
