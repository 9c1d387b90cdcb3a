/** A latent's evidence as markup, for the page as it is built and for the browser. */
import type { Feature, FeatureContext, FeatureIndex } from '../../runner/report/features.ts';
import { drawHistogram } from '../charts/draw.ts';
import { histogram } from '../charts/histogram.ts';
import { html, type Inserted, type Markup } from '../lib/html.ts';
import { formatBrief, formatCount, formatNumber, formatSigned, formatSmall } from '../lib/numbers.ts';
import { latentHref } from './address.ts';
import { drawExplained, type Explained } from './explained.ts';
import { loneToken, shadedTokens } from './tokens.ts';
import { usesOf } from './uses.ts';

/** Of the histogram of values, which stands in a column of its own. */
const VALUES_FRAME = { width: 240, height: 132, left: 38, right: 10, top: 8, bottom: 38 };

export function drawFeature(
  index: FeatureIndex,
  place: number,
  feature: Feature,
  explained: Explained | null = null,
): Markup {
  const { columns, tokens } = index;
  const max = columns.max[place]!;
  const text = (id: number): string => tokens[String(id)] ?? `#${id}`;
  /** The token that another latent is strongest on, where there is evidence of it. */
  const peakOf = (latent: number): string | undefined => {
    const [peak] = columns.peaks[columns.latent.indexOf(latent)] ?? [];
    return peak === undefined ? undefined : text(peak);
  };
  const of = (kind: FeatureContext['kind']): FeatureContext[] =>
    feature.contexts.filter((each) => each.kind === kind);
  return html`<h2 id="latent-${feature.latent}" tabindex="-1">Latent ${formatCount(feature.latent)}</h2>
<p class="latent-peaks">Strongest on${columns.peaks[place]!.map((id) => html` <code>${loneToken(text(id))}</code>`)}</p>
<p class="latent-facts">Fires on <b>${share(columns.rate[place]!)}</b> of tokens (95 % interval ${share(columns.low[place]!)}–${share(columns.high[place]!)}); where it does it is <b>${formatNumber(columns.mean[place]!, 2)}</b> in the mean and <b>${formatNumber(max, 2)}</b> at most.${ablationText(feature.ablation)}${chosenText(columns.choice[place]!)}</p>
${explained !== null && drawExplained(explained)}
<div class="latent-lists">
${effects('Raises', 'logits of tokens, by one unit of it', feature.raised, feature.neighbours !== null, text)}
${effects('Lowers', 'logits of tokens, by one unit of it', feature.lowered, feature.neighbours !== null, text)}
${others('Nearest decoder rows', 'cosine', feature.neighbours, peakOf)}
${others('Fires together with', 'share of tokens with either that have both', feature.companions, peakOf)}
${usesOf(index, feature.latent)}
${values(feature)}
</div>
${stretches('Strongest', of('top'), max, text)}
${stretches('Drawn at random', of('sampled'), max, text)}`;
}

function ablationText(ablation: Feature['ablation']): Markup | false {
  if (ablation === undefined) return false;
  const { mean, low, high, tokens, documents } = ablation;
  const interval =
    low === null || high === null
      ? 'of one document, so without an interval'
      : `95 % interval ${formatSigned(low, 3)} to ${formatSigned(high, 3)}, over ${formatCount(documents)} documents`;
  return html` Where it is taken out of the activations the next-token loss at these tokens changes by <b>${formatSigned(mean, 3)}</b> nats (${interval}; ${formatCount(tokens)} tokens).`;
}

function chosenText(choice: FeatureIndex['columns']['choice'][number]): string | false {
  switch (choice) {
    case 'all':
      return false;
    case 'used':
      return ' Shown because a suite chose it for a concept, or because it was taken out of the activations.';
    case 'dense':
      return ' Shown as one of the densest.';
    case 'isolated':
      return ' Shown as one of the most isolated: no decoder row is near its own.';
    case 'random':
      return ' Shown as one of those drawn at random.';
  }
}

/** In percent however small, so that the unit stays the same along a list. */
export function share(value: number): string {
  const percent = 100 * value;
  if (percent >= 0.1) return `${formatNumber(percent, percent >= 10 ? 1 : 2)} %`;
  return `${percent === 0 || percent >= 1e-4 ? Number(percent.toPrecision(2)) : formatSmall(percent)} %`;
}

function effects(
  title: string,
  note: string,
  pairs: Feature['raised'],
  hasDirections: boolean,
  text: (id: number) => string,
): Markup {
  return list(
    title,
    note,
    pairs?.map(
      ([id, value]) =>
        html`<li><code>${loneToken(text(id))}</code> <span>${formatSigned(value, 2)}</span></li>`,
    ) ?? null,
    hasDirections ? 'A latent’s direction is not one of the residual stream at this hook.' : undefined,
  );
}

function others(
  title: string,
  note: string,
  pairs: Feature['neighbours'],
  peakOf: (latent: number) => string | undefined,
): Markup {
  return list(
    title,
    note,
    pairs?.map(([latent, value]) => {
      const peak = peakOf(latent);
      return html`<li><a href="${latentHref(latent)}">${String(latent)}</a>${peak !== undefined && html` <code>${loneToken(peak)}</code>`} <span>${formatNumber(value, 2)}</span></li>`;
    }) ?? null,
  );
}

/** @param none why there are no items, where that is so */
function list(
  title: string,
  note: string,
  items: readonly Markup[] | null,
  none = 'The SAE has no direction for a latent.',
): Markup {
  const body: Inserted =
    items === null
      ? html`<p class="sub">${none}</p>`
      : items.length === 0
        ? html`<p class="sub">None.</p>`
        : html`<ol>${items}</ol>`;
  return html`<section><h3>${title}</h3><p class="sub">${note}</p>${body}</section>`;
}

/** Bars over quarters of powers of two. */
function values({ latent, histogram: { first, counts } }: Feature): Markup {
  const edges = Array.from({ length: counts.length + 1 }, (_, i) => ((first + i) / 4) * Math.log10(2));
  const ends = [edges[0]!, edges.at(-1)!].map((edge) => formatBrief(10 ** edge));
  return html`<section><h3>Values</h3><p class="sub">on the tokens it fires on</p>${drawHistogram({
    id: `values-${latent}`,
    chart: histogram({
      edges,
      counts,
      format: formatBrief,
      say: (count, from, to) => `${count} tokens from ${from} to ${to}`,
      frame: VALUES_FRAME,
    }),
    title: `Values of latent ${latent}`,
    description: `Tokens by the latent’s value, from ${ends[0]} to ${ends[1]}.`,
    xLabel: 'value',
    yLabel: '↑ tokens',
  })}</section>`;
}

function stretches(
  title: string,
  contexts: readonly FeatureContext[],
  max: number,
  text: (id: number) => string,
): Markup {
  if (contexts.length === 0) return html``;
  return html`<h3>${title}</h3><ol class="contexts">${contexts.map((context) => stretch(context, max, text))}</ol>`;
}

function stretch(
  { row, ids, values, peak }: FeatureContext,
  max: number,
  text: (id: number) => string,
): Markup {
  const tokens = ids.map((id, i) => ({
    text: text(id),
    weight: values[i]!,
    title: formatNumber(values[i]!, 2),
  }));
  return html`<li><span class="value">${formatNumber(values[peak]!, 2)}</span> ${shadedTokens(tokens, max, peak)} <span class="sub">row ${formatCount(row)}</span></li>`;
}
