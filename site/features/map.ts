/** All latents of an index as dots: how often each fires against its largest value. A pointer picks from it; the list holds the same for all. */
import type { FeatureIndex } from '../../runner/report/features.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatBrief, formatCount } from '../lib/numbers.ts';
import { share } from './draw.ts';

const WIDTH = 640;
const HEIGHT = 220;
const EDGE = { left: 44, right: 8, top: 22, bottom: 30 };
/** Dots drawn; of more every n-th. */
const MOST = 3_000;
/** So many powers of ten need no ticks between them. */
const MANY_TICKS = 4;

interface Axis {
  at(value: number): number;
  ticks: number[];
}

/** A logarithmic axis as wide as its values, with ticks at 1, 2 and 5 times powers of ten. */
export function logAxis(values: readonly number[], [from, to]: readonly [number, number]): Axis {
  const positive = values.filter((value) => value > 0);
  const low = Math.log10(positive.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)) - 0.05;
  const high = Math.log10(positive.reduce((a, b) => Math.max(a, b), 0)) + 0.05;
  if (positive.length === 0) return { at: () => from, ticks: [] };
  const at = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  const all: number[] = [];
  for (let power = Math.floor(low); power <= high; power++)
    all.push(...[1, 2, 5].map((each) => each * 10 ** power));
  const inside = all.filter((tick) => Math.log10(tick) >= low && Math.log10(tick) <= high);
  const whole = inside.filter((tick) => Math.abs(Math.log10(tick) % 1) < 1e-9);
  return { at, ticks: whole.length >= MANY_TICKS ? whole : inside };
}

/** @param found places that a query finds; the others are faint */
export function latentMap(
  { columns }: FeatureIndex,
  found: readonly number[],
  chosen: number | null,
): Markup {
  const x = logAxis(columns.rate, [EDGE.left, WIDTH - EDGE.right]);
  const y = logAxis(columns.max, [HEIGHT - EDGE.bottom, EDGE.top]);
  const asked = new Set(found);
  const every = Math.ceil(columns.latent.length / MOST);
  const dots = columns.latent.flatMap((latent, place) => {
    if ((place % every !== 0 && latent !== chosen) || !(columns.rate[place]! > 0)) return [];
    const kind = latent === chosen ? 'chosen' : asked.has(place) ? 'found' : 'other';
    return html`<circle class="${kind}" data-latent="${latent}" cx="${x.at(columns.rate[place]!).toFixed(1)}" cy="${y.at(columns.max[place]!).toFixed(1)}" r="${kind === 'chosen' ? 6 : 2.5}"><title>Latent ${latent}</title></circle>`;
  });
  const xTicks = x.ticks.map(
    (tick) =>
      html`<text class="tick" x="${x.at(tick).toFixed(1)}" y="${HEIGHT - EDGE.bottom + 14}" text-anchor="middle">${share(tick)}</text>`,
  );
  const yTicks = y.ticks.map(
    (tick) =>
      html`<text class="tick" x="${EDGE.left - 6}" y="${(y.at(tick) + 4).toFixed(1)}" text-anchor="end">${formatBrief(tick)}</text>`,
  );
  return html`<svg class="latent-map" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${formatCount(columns.latent.length)} latents: share of tokens they fire on against their largest value; the list beside it holds the same">${xTicks}${yTicks}<text class="tick" x="${EDGE.left}" y="10">largest value</text><text class="tick" x="${WIDTH / 2}" y="${HEIGHT - 2}" text-anchor="middle">share of tokens it fires on</text>${dots}</svg>`;
}
