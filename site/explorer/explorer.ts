/**
 * The front page in a browser: one state, kept in the address, from which picture, table and controls follow. The built
 * page shows the start view; nothing is drawn anew, and no interval fetched, before a reader turns to it.
 */
import '../islands/take-picture.ts';
import { type Columns, textAt } from '../lib/columns.ts';
import { addressOf } from './address.ts';
import { changed, fillLists, isInput, showFacet, showState } from './controls.ts';
import { dropsOf } from './drops.ts';
import { exported, type Format, fileName, formats } from './exports.ts';
import { compositeId, firstByResamples, firstByWeights, numberFieldsOf, preferred } from './fields.ts';
import { judgeOf } from './judge.ts';
import { type Page, pageOf } from './page.ts';
import { plotOf } from './plot.ts';
import { resamplesOf } from './resamples.ts';
import { type Facet, queryOf, type State, startOf, stateOf } from './state.ts';
import { openStore, type Store } from './store.ts';
import { missingFiles, needsDraws, type View, viewOf } from './view.ts';

const found = document.querySelector<HTMLElement>('#explorer');
if (found !== null) {
  const page = pageOf(found);
  openStore(found.dataset.folder ?? '').then(
    (store) => run(page, store),
    (reason: unknown) => page.say(reason instanceof Error ? reason.message : String(reason)),
  );
}

function run(page: Page, store: Store): void {
  const { root } = page;
  const { columns } = store;
  const start = startOf(columns);
  let { state, unknown } = stateOf(location.search, columns, start);
  const address = addressOf();
  let failures: string[] = [];
  /** Raised by all that changes what is drawn; marking a point or picking for Compare leaves a drawing under way valid. */
  let asked = 0;
  const resamples = resamplesOf(store, judgeOf(columns));
  const make = (before: View | null): View =>
    viewOf(
      columns,
      state,
      { loaded: store.loaded, ...resamples.found(state.weights) },
      page.isNarrow(),
      before,
    );
  let view = make(null);
  const plot = plotOf(page.part('picture'), page.part('spoken'), (row) => {
    commit({ ...state, at: row === null ? null : textAt(columns, 'id', row) }, 'replace');
  });

  const rowAt = (): number | null => {
    const row = columns.text.id.values.indexOf(state.at ?? '');
    return row < 0 ? null : columns.text.id.at.indexOf(row);
  };
  const draw = (next = make(view)): void => {
    view = next;
    page.draw(view, { unknown, failures, start }, () => plot.refresh(next, rowAt()));
    showState(root, view);
  };
  /** Draws what is here; what is on its way is waited for a moment, so that intervals do not go and come again. */
  const update = async (): Promise<void> => {
    const mine = asked;
    const next = make(view);
    const files = missingFiles(next);
    const coming = files.length > 0 ? store.load(files) : null;
    if (coming === null) draw(next);
    else {
      await Promise.race([coming, moment()]);
      if (mine !== asked) return;
      draw();
    }
    const metricFailures = coming === null ? [] : await coming;
    const filled = await resamples.fill(view, needsDraws(state));
    if (mine !== asked) return;
    const said = failures.join();
    failures = [...metricFailures, ...filled.failures];
    if (filled.changed || coming !== null || failures.join() !== said) draw();
  };
  const change = (): void => {
    asked++;
    void update();
  };
  const commit = (next: State, how: 'push' | 'replace'): void => {
    const onlyPoint = sameBut(state, next, 'at') || sameBut(state, next, 'pick');
    state = next;
    unknown = [];
    address.write(`${location.pathname}${queryOf(state, start)}${location.hash}`, how);
    if (onlyPoint) {
      // The view stays what it was, but for these: rows may be of an earlier filter until the next drawing.
      view = { ...view, state: { ...view.state, at: state.at, pick: state.pick } };
      page.mark(view, state);
    } else change();
  };

  // A run of letters or of moves of a slider is one step back.
  let typing = false;
  root.addEventListener('input', ({ target }) => {
    if (!isInput(target) || !['q', 'weight'].includes(target.name)) return;
    const next = changed(root, state, target);
    if (next !== null) commit(next, typing ? 'replace' : 'push');
    typing = true;
  });
  root.addEventListener('change', ({ target }) => {
    if (!isInput(target)) return;
    const wasTyping = typing && ['q', 'weight'].includes(target.name);
    typing = false;
    if (wasTyping) return;
    const next = changed(root, state, target);
    if (next !== null) commit(next, target.name === 'pick' ? 'replace' : 'push');
  });
  addEventListener('popstate', () => {
    address.drop();
    ({ state, unknown } = stateOf(location.search, columns, start));
    change();
  });

  const withColumn = (id: string): State => ({
    ...state,
    columns: state.columns.includes(id) ? state.columns : [...state.columns, id],
  });
  const actions: Readonly<Record<string, () => void>> = {
    clear: () => commit({ ...state, q: '', facets: start.facets, ranges: start.ranges }, 'push'),
    all: () => commit({ ...state, all: true }, 'push'),
    resamples: () => commit(withColumn(firstByResamples), 'push'),
    random: () => commit(withColumn(firstByWeights), 'push'),
    score: () => commit({ ...withColumn(compositeId), sort: compositeId, descending: true }, 'push'),
    download: () => void give('download'),
    copy: () => void give('copy'),
  };
  const give = async (how: 'download' | 'copy'): Promise<void> => {
    await update();
    address.settle();
    const format = (root.querySelector<HTMLSelectElement>('[name="format"]')?.value ?? 'csv') as Format;
    const text = exported(format, { ...view, intervals: state.intervals, address: location.href });
    if (how === 'download') page.download(text, fileName(format), formats[format].type);
    else await page.copy(text, `${view.rows.length} rows copied as ${formats[format].label}.`);
  };
  root.addEventListener('click', ({ target }) => {
    if (!(target instanceof Element)) return;
    const sort = target.closest<HTMLElement>('[data-sort]')?.dataset.sort;
    if (sort !== undefined) commit(sorted(state, columns, sort), 'push');
    actions[target.closest<HTMLElement>('[data-do]')?.dataset.do ?? '']?.();
  });
  dropsOf(root, (opened) => {
    const facet = opened.querySelector<HTMLElement>('[data-facet]')?.dataset.facet;
    if (facet !== undefined) showFacet(root, facet as Facet, view);
  });
  page.whenWidthChanges(() => void update());

  fillLists(root, view);
  showState(root, view);
  page.ready();
  // The one panel of a built page is too wide for a phone.
  const isWide = page.isNarrow() && view.picture().panels.length === 1;
  if (location.search !== '' || isWide) void update();
  // What is built shows intervals already; the files behind them come when somebody turns to the page.
  else page.whenTurnedTo(() => void update());
}

/** What a reader does not take for waiting. */
function moment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 150));
}

/** By a column: the best first, and the other way when it is asked for again. */
function sorted(state: State, columns: Columns, id: string): State {
  if (state.sort === id) return { ...state, descending: !state.descending };
  const field = numberFieldsOf(columns).find((one) => one.id === id);
  return { ...state, sort: id, descending: field !== undefined && preferred(field) !== 'less' };
}

function sameBut(a: State, b: State, key: keyof State): boolean {
  return a !== b && (Object.keys(a) as (keyof State)[]).every((each) => each === key || a[each] === b[each]);
}
