/**
 * The browser of an SAE's latents. The latent shown stands in the address (#latent=17), so that it can be linked to; its shard
 * is fetched when it is first shown.
 */
import { counted } from '../../runner/report/counted.ts';
import type { Explanations } from '../../runner/report/explanations.ts';
import { EXPLANATIONS_FILE, shardOf } from '../../runner/report/feature-places.ts';
import type { FeatureIndex, FeatureShard } from '../../runner/report/features.ts';
import { latentHref, latentOf } from '../features/address.ts';
import { drawFeature, share } from '../features/draw.ts';
import { type Explained, explainedBy } from '../features/explained.ts';
import { findLatents, type Order, orders } from '../features/find.ts';
import { latentMap } from '../features/map.ts';
import { loneToken, visibleToken } from '../features/tokens.ts';
import { fetchJson } from '../lib/fetch-json.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatCount } from '../lib/numbers.ts';

/** Latents listed at a time. */
const LISTED = 60;
/** Of a pointer on the map, pixels of the screen. */
const REACH = 16;

const form = document.querySelector<HTMLFormElement>('#latents')!;
const query = form.querySelector<HTMLInputElement>('[name="query"]')!;
const sort = form.querySelector<HTMLSelectElement>('[name="sort"]')!;
const status = form.querySelector<HTMLElement>('[role="status"]')!;
const map = document.querySelector<HTMLElement>('#latent-map')!;
const list = document.querySelector<HTMLElement>('#latent-list')!;
const article = document.querySelector<HTMLElement>('#latent')!;
const walk = document.querySelector<HTMLElement>('#latent-walk')!;
const written = document.querySelector<HTMLElement>('#latents-written')!;
const address = form.dataset.index!;
const shards = new Map<string, Promise<FeatureShard>>();
let listed = LISTED;
let explained: ReadonlyMap<number, Explained> = new Map();

function fail(reason: unknown): void {
  status.textContent = reason instanceof Error ? reason.message : String(reason);
}

function order(): Order {
  return orders.find((each) => each === sort.value) ?? 'latent';
}

function drawList(index: FeatureIndex): void {
  const { columns, tokens } = index;
  const found = findLatents(
    index,
    query.value,
    order(),
    (latent) => explained.get(latent)?.found.explanation,
  );
  status.textContent = `${formatCount(found.length)} of ${counted(columns.latent.length, 'latent')}.`;
  const chosen = asked();
  list.innerHTML = html`${found.slice(0, listed).map((place) => {
    const latent = columns.latent[place]!;
    const peaks = columns.peaks[place]!.map(
      (id) => html` <code>${loneToken(tokens[String(id)] ?? '')}</code>`,
    );
    return html`<li><a href="${latentHref(latent)}"${latent === chosen && html` aria-current="true"`}><b>${String(latent)}</b>${peaks} <span class="sub">${share(columns.rate[place]!)}</span>${
      explained.has(latent) &&
      html` <q class="sub" dir="auto">${visibleToken(explained.get(latent)!.found.explanation)}</q>`
    }</a></li>`;
  })}${
    found.length > listed &&
    html`<li><button type="button" data-more>${formatCount(found.length - listed)} more</button></li>`
  }`.text;
  drawWalk(index, found, chosen);
  map.innerHTML = latentMap(index, found, chosen, order() === 'effect' ? 'effect' : 'max').text;
}

/** From the latent shown to those before and after it in the list, whatever its order; who walks by keyboard stays on the link. */
function drawWalk({ columns }: FeatureIndex, found: readonly number[], chosen: number | null): void {
  const at = found.findIndex((place) => columns.latent[place] === chosen);
  walk.hidden = at < 0;
  if (at < 0) return;
  const focused = walk.contains(document.activeElement) ? document.activeElement?.getAttribute('rel') : null;
  const step = (rel: 'prev' | 'next', place: number | undefined): Markup | false => {
    if (place === undefined) return false;
    const latent = columns.latent[place]!;
    const name =
      rel === 'prev'
        ? html`← <span class="hidden">Previous: latent</span> ${String(latent)}`
        : html`<span class="hidden">Next: latent</span> ${String(latent)} →`;
    return html`<a rel="${rel}" href="${latentHref(latent)}">${name}</a>`;
  };
  walk.innerHTML =
    html`${step('prev', found[at - 1])} <span class="sub">${formatCount(at + 1)} of ${formatCount(found.length)}</span> ${step('next', found[at + 1])}`.text;
  if (focused !== null)
    (walk.querySelector<HTMLElement>(`[rel="${focused}"]`) ?? walk.querySelector('a'))?.focus();
}

/** The latent that the address asks for. */
function asked(): number | null {
  return latentOf(location.hash);
}

/** The latent whose dot is nearest to a pointer, if one is within its reach: dots are smaller than fingers. */
function latentAt({ clientX, clientY }: MouseEvent): number | null {
  const svg = map.querySelector('svg')!;
  const box = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.width / box.width;
  const [x, y] = [(clientX - box.left) * scale, (clientY - box.top) * scale];
  let [nearest, least]: [string | undefined, number] = [undefined, REACH * scale];
  for (const { cx, cy, dataset } of svg.querySelectorAll('circle')) {
    const distance = Math.hypot(cx.baseVal.value - x, cy.baseVal.value - y);
    if (distance <= least) [nearest, least] = [dataset.latent, distance];
  }
  return nearest === undefined ? null : Number(nearest);
}

function shardAt(place: number): Promise<FeatureShard> {
  const name = shardOf(place);
  const known = shards.get(name) ?? fetchJson<FeatureShard>(address.replace(/index\.json$/, name));
  shards.set(name, known);
  known.catch(() => shards.delete(name));
  return known;
}

async function show(index: FeatureIndex): Promise<void> {
  const latent = asked();
  const isWalking = walk.contains(document.activeElement);
  drawList(index);
  article.hidden = latent === null;
  written.hidden = latent !== null;
  if (latent === null) return;
  const place = index.columns.latent.indexOf(latent);
  if (place < 0) {
    article.innerHTML =
      html`<h2 tabindex="-1">Latent ${formatCount(latent)}</h2><p>There is no evidence of it here: ${
        latent < index.d_sae
          ? 'it never fired on this text, or was not among those chosen.'
          : 'the SAE has no such latent.'
      }</p>`.text;
  } else {
    const shard = await shardAt(place);
    if (asked() !== latent) return;
    const feature = shard.features.find((each) => each.latent === latent)!;
    article.innerHTML = drawFeature(index, place, feature, explained.get(latent) ?? null).text;
  }
  if (!isWalking) article.querySelector<HTMLElement>('h2')?.focus({ preventScroll: false });
}

/** What a language model says, where the page says that one was asked. */
async function fetchExplanations(): Promise<void> {
  if (form.dataset.explained === undefined) return;
  explained = explainedBy(
    await fetchJson<Explanations | null>(address.replace(/index\.json$/, EXPLANATIONS_FILE)),
  );
}

Promise.all([fetchJson<FeatureIndex>(address), fetchExplanations()])
  .then(([index]) => {
    const fromTheTop = (): void => {
      listed = LISTED;
      drawList(index);
    };
    query.addEventListener('input', fromTheTop);
    sort.addEventListener('change', fromTheTop);
    form.addEventListener('submit', (event) => event.preventDefault());
    list.addEventListener('click', (event) => {
      if (!(event.target instanceof Element) || event.target.closest('[data-more]') === null) return;
      listed += LISTED;
      drawList(index);
    });
    map.addEventListener('click', (event) => {
      const latent = latentAt(event);
      if (latent !== null) location.hash = latentHref(latent);
    });
    addEventListener('hashchange', () => void show(index).catch(fail));
    return show(index);
  }, fail)
  .catch(fail);
