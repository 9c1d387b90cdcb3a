/** Latents of an index as dots: how often each fires against its largest value, or its effect on the loss. A pointer picks from it; the list holds the same for all. */
import type { FeatureIndex } from '../../runner/report/features.ts';
import { drawAxes } from '../charts/draw.ts';
import { defaultFrame, linearAxis, logAxis } from '../charts/scale.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatBrief, formatCount, formatPower, formatSigned } from '../lib/numbers.ts';

const FRAME = { ...defaultFrame, width: 480, height: 240, right: 12 };
/** Between the outermost dots and the frame, pixels. */
const ROOM = 8;
/** Dots drawn; of more every n-th. */
const MOST = 3_000;

/** What the map has upwards: the largest values, or the effects of those latents that were taken out of the residual. */
export type Height = 'max' | 'effect';

/** A share of tokens as an axis has room for. */
function rateTick(rate: number): string {
  const percent = 100 * rate;
  return `${percent >= 1e-3 ? Number(percent.toPrecision(3)) : formatPower(percent)} %`;
}

/** @param found places that a query finds; the others are faint */
export function latentMap(
  { columns }: FeatureIndex,
  found: readonly number[],
  chosen: number | null,
  height: Height = 'max',
): Markup {
  const { left, right, top, bottom, width } = FRAME;
  const positive = (values: readonly number[]): number[] => values.filter((value) => value > 0);
  const x = logAxis(positive(columns.rate), [left + ROOM, width - right - ROOM], rateTick);
  const range = [FRAME.height - bottom - ROOM, top + ROOM] as const;
  const tried = (columns.effect ?? []).filter((effect) => effect !== null);
  const { y, words } =
    height === 'max'
      ? { y: logAxis(positive(columns.max), range, formatBrief), words: 'largest value' }
      : {
          y: linearAxis(tried, range, { include: [0], format: (value) => formatSigned(value, 2) }),
          words: 'change of the loss without it, nats',
        };
  const asked = new Set(found);
  const every = Math.ceil(columns.latent.length / MOST);
  const dots = columns.latent.flatMap((latent, place) => {
    const rate = columns.rate[place]!;
    const value = height === 'max' ? columns.max[place]! : (columns.effect?.[place] ?? null);
    if (value === null || !(rate > 0 && (height === 'effect' || value > 0))) return [];
    if (height === 'max' && place % every !== 0 && latent !== chosen) return [];
    const kind = latent === chosen ? 'chosen' : asked.has(place) ? 'found' : 'other';
    return html`<circle class="${kind}" data-latent="${latent}" cx="${x.at(rate).toFixed(1)}" cy="${y.at(value).toFixed(1)}" r="${kind === 'chosen' ? 6 : 2.5}"><title>Latent ${latent}</title></circle>`;
  });
  return html`<svg class="chart latent-map" viewBox="0 0 ${width} ${FRAME.height}" role="img" aria-label="${formatCount(dots.length)} latents: share of tokens they fire on against their ${words}; the list beside it holds the same">${drawAxes(
    {
      frame: FRAME,
      xTicks: x.ticks,
      yTicks: y.ticks,
      xLabel: 'share of tokens it fires on',
      yLabel: `↑ ${words}`,
    },
  )}${dots}</svg>`;
}
