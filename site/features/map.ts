/** All latents of an index as dots: how often each fires against its largest value. A pointer picks from it; the list holds the same for all. */
import type { FeatureIndex } from '../../runner/report/features.ts';
import { drawAxes } from '../charts/draw.ts';
import { defaultFrame, logAxis } from '../charts/scale.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatBrief, formatCount } from '../lib/numbers.ts';
import { share } from './draw.ts';

const FRAME = { ...defaultFrame, width: 480, height: 240, right: 12 };
/** Between the outermost dots and the frame, pixels. */
const ROOM = 8;
/** Dots drawn; of more every n-th. */
const MOST = 3_000;

/** @param found places that a query finds; the others are faint */
export function latentMap(
  { columns }: FeatureIndex,
  found: readonly number[],
  chosen: number | null,
): Markup {
  const { left, right, top, bottom, width, height } = FRAME;
  const positive = (values: readonly number[]): number[] => values.filter((value) => value > 0);
  const x = logAxis(positive(columns.rate), [left + ROOM, width - right - ROOM], share);
  const y = logAxis(positive(columns.max), [height - bottom - ROOM, top + ROOM], formatBrief);
  const asked = new Set(found);
  const every = Math.ceil(columns.latent.length / MOST);
  const dots = columns.latent.flatMap((latent, place) => {
    const [rate, max] = [columns.rate[place]!, columns.max[place]!];
    if ((place % every !== 0 && latent !== chosen) || !(rate > 0 && max > 0)) return [];
    const kind = latent === chosen ? 'chosen' : asked.has(place) ? 'found' : 'other';
    return html`<circle class="${kind}" data-latent="${latent}" cx="${x.at(rate).toFixed(1)}" cy="${y.at(max).toFixed(1)}" r="${kind === 'chosen' ? 6 : 2.5}"><title>Latent ${latent}</title></circle>`;
  });
  return html`<svg class="chart latent-map" viewBox="0 0 ${width} ${height}" role="img" aria-label="${formatCount(columns.latent.length)} latents: share of tokens they fire on against their largest value; the list beside it holds the same">${drawAxes(
    {
      frame: FRAME,
      xTicks: x.ticks,
      yTicks: y.ticks,
      xLabel: 'share of tokens it fires on',
      yLabel: '↑ largest value',
    },
  )}${dots}</svg>`;
}
