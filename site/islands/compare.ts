/**
 * Compares two to four SAEs that the reader finds by words. The choice lives in the address (?sae=…&sae=…), so that it
 * can be linked to; each record is fetched from its own file when it is chosen.
 */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { compareRecords } from '../lib/comparison.ts';
import { comparisonCharts } from '../lib/comparison-charts.ts';
import { drawComparisonPage } from '../lib/comparison-page.ts';
import { fetchJson } from '../lib/fetch-json.ts';
import { html } from '../lib/html.ts';
import { protocolDifferences } from '../lib/protocol.ts';
import { compareLabels } from '../lib/short-labels.ts';
import { MOST_COMPARED, recordPath } from '../lib/url.ts';
import { verdicts } from '../lib/verdicts.ts';
import { attach } from './read-out.ts';
import { attachSearch, type FoundSae, loadIndex } from './sae-search.ts';
import { whenNear } from './when-near.ts';

const form = document.querySelector<HTMLFormElement>('#compare')!;
const input = form.querySelector<HTMLInputElement>('input[type="search"]')!;
const options = form.querySelector<HTMLElement>('[role="listbox"]')!;
const chips = form.querySelector<HTMLElement>('.picked')!;
const status = form.querySelector<HTMLElement>('[role="status"]')!;
const onlyDifferences = form.querySelector<HTMLInputElement>('[name="differences"]')!;
const place = document.querySelector<HTMLElement>('#comparison')!;
const waiting = document.querySelector<HTMLElement>('#side-by-side')!;

let picked: FoundSae[] = [];
/** What of the address is not compared, in words; until the reader chooses. */
let leftOut = '';
const records = new Map<string, EvaluationRecord>();

function say(words: string): void {
  status.textContent = [words, leftOut].filter(Boolean).join(' ');
}

function fail(reason: unknown): void {
  delete document.documentElement.dataset.asked;
  say(reason instanceof Error ? reason.message : String(reason));
}

function writeAddress(): void {
  const url = new URL(location.href);
  url.searchParams.delete('sae');
  for (const { id } of picked) url.searchParams.append('sae', id);
  history.replaceState(null, '', url);
}

/** Names with the letters they have below; the button that was pressed keeps the keyboard, or what is left of it. */
function drawChips(): void {
  const { first, drop } = document.activeElement instanceof HTMLElement ? document.activeElement.dataset : {};
  const labels = compareLabels(picked);
  chips.innerHTML = html`${picked.map(
    ({ id, name, model }, i) =>
      html`<li><span>${picked.length > 1 && html`<b class="label">${labels[i]}</b> `}<b>${name}</b> <span class="sub">${model}</span></span>${
        i > 0 &&
        html`<button type="button" data-first="${id}" aria-label="Make first: ${name}">Make first</button>`
      }<button type="button" data-drop="${id}" aria-label="Remove ${name}">Remove</button></li>`,
  )}`.text;
  const full = picked.length >= MOST_COMPARED;
  if (full && document.activeElement === input)
    chips.querySelector<HTMLElement>('li:last-child [data-drop]')?.focus();
  input.disabled = full;
  if (first !== undefined) chips.querySelector<HTMLElement>(`[data-drop="${CSS.escape(first)}"]`)?.focus();
  else if (drop !== undefined) input.focus();
}

/** Lets the browser answer between two pieces of work. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

async function draw(): Promise<void> {
  drawChips();
  const chosen = [...picked];
  const complete = chosen.length >= 2;
  waiting.hidden = complete;
  place.hidden = !complete;
  onlyDifferences.disabled = !complete;
  if (!complete) {
    delete document.documentElement.dataset.asked;
    say(chosen.length === 1 ? 'Pick one more.' : 'Pick two to four.');
    return;
  }
  const missing = chosen.filter(({ id }) => !records.has(id));
  // Of what is here already the answer is at once.
  const pause = missing.length > 0 ? breath : async () => {};
  if (missing.length > 0) {
    // What stands below is of an earlier choice, and stays away if a record cannot be fetched.
    place.hidden = true;
    say('Loading…');
  }
  for (const { id, record } of await Promise.all(
    missing.map(async ({ id }) => ({ id, record: await fetchJson<EvaluationRecord>(recordPath(id)) })),
  ))
    records.set(id, record);
  // The reader may have chosen otherwise meanwhile.
  const isLate = (): boolean => chosen.some((sae, i) => picked[i] !== sae) || chosen.length !== picked.length;
  await pause();
  if (isLate()) return;
  const loaded = chosen.map(({ id }) => records.get(id)!);
  const labels = compareLabels(chosen);
  const sections = compareRecords(loaded);
  await pause();
  if (isLate()) return;
  const shown = onlyDifferences.checked
    ? sections
        .map((section) => ({ ...section, rows: section.rows.filter((row) => row.differs) }))
        .filter((section) => section.rows.length > 0)
    : sections;
  const charts = comparisonCharts(loaded.map((record, i) => ({ record, label: labels[i]! })));
  const drawn = drawComparisonPage({
    saes: chosen.map((sae, i) => ({ ...sae, label: labels[i]! })),
    protocol: protocolDifferences(loaded),
    verdicts: verdicts(sections, loaded),
    charts,
    sections: shown,
  });
  await pause();
  if (isLate()) return;
  place.hidden = false;
  place.innerHTML = drawn.text;
  // What the address asked for is here: no room need be kept for it (theme.js).
  delete document.documentElement.dataset.asked;
  const figures = [...place.querySelectorAll('figure')];
  whenNear(figures, (figure) => {
    const spec = charts[figures.indexOf(figure)];
    if (spec) attach(figure, spec);
  });
  say(`${chosen.length} SAEs compared. The address of this page keeps the choice.`);
}

function choose(next: FoundSae[]): void {
  picked = next;
  leftOut = '';
  writeAddress();
  draw().catch(fail);
}

attachSearch(input, options, {
  without: () => picked.map(({ id }) => id),
  onPick: (sae) => choose([...picked, sae].slice(0, MOST_COMPARED)),
  onFailure: fail,
});
form.addEventListener('submit', (event) => event.preventDefault());
onlyDifferences.addEventListener('change', () => draw().catch(fail));
chips.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest('button') : null;
  const { drop, first } = button?.dataset ?? {};
  if (drop !== undefined) choose(picked.filter(({ id }) => id !== drop));
  if (first !== undefined) choose(picked.toSorted((a, b) => Number(b.id === first) - Number(a.id === first)));
});

const asked = [...new Set(new URLSearchParams(location.search).getAll('sae'))];
if (asked.length === 0) draw().catch(fail);
else
  loadIndex()
    .then((saes) => {
      const found = asked.flatMap((id) => saes.find((sae) => sae.id === id) ?? []);
      picked = found.slice(0, MOST_COMPARED);
      const unknown = asked.filter((id) => found.every((sae) => sae.id !== id));
      leftOut = [
        unknown.length > 0 && `The address asks for what is not here: ${unknown.join(', ')}.`,
        found.length > MOST_COMPARED && `Only the first ${MOST_COMPARED} are compared.`,
      ]
        .filter(Boolean)
        .join(' ');
      return draw();
    }, fail)
    .catch(fail);
