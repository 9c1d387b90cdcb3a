/** Adds SAEs that the reader finds by words to the trajectories of their model; the address keeps them: ?add=<record>. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { fetchJson } from '../lib/fetch-json.ts';
import { withRecord } from '../lib/trajectories.ts';
import { recordPath } from '../lib/url.ts';
import { attachSearch } from './sae-search.ts';
import { redraw, setOf } from './trajectory-view.ts';

const input = document.querySelector<HTMLInputElement>('#trajectory-search')!;
const options = document.querySelector<HTMLElement>('#trajectory-options')!;
const status = document.querySelector<HTMLElement>('#trajectory-added')!;

function say(words: string): void {
  status.textContent = words;
}

function fail(reason: unknown): void {
  say(reason instanceof Error ? reason.message : String(reason));
}

/** @returns whether it is drawn now */
async function add(id: string): Promise<boolean> {
  const record = await fetchJson<EvaluationRecord>(recordPath(id));
  const set = setOf(record.model.id);
  const next = set && withRecord(set, record);
  if (!next) {
    say(
      set
        ? `${record.sae.name}: its record carries no trajectory.`
        : `${record.sae.name}: the trajectories of ${record.model.id} are not on this page.`,
    );
    return false;
  }
  redraw(record.model.id, next);
  say(`${record.sae.name} is drawn with the SAEs of ${record.model.id}.`);
  return true;
}

attachSearch(input, options, {
  without: () => [],
  onPick: ({ id }) => {
    add(id).then((drawn) => {
      if (!drawn) return;
      const url = new URL(location.href);
      if (!url.searchParams.getAll('add').includes(id)) url.searchParams.append('add', id);
      history.replaceState(null, '', url);
    }, fail);
  },
  onFailure: fail,
});

for (const id of new URLSearchParams(location.search).getAll('add').slice(0, 8)) add(id).catch(fail);
