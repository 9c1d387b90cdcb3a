/** A latent's evidence as markup, for the page as it is built and for the browser. */
import type { Feature, FeatureContext, FeatureIndex } from '../../runner/report/features.ts';
import { html, type Inserted, type Markup } from '../lib/html.ts';
import { formatBrief, formatCount, formatNumber, formatSmall } from '../lib/numbers.ts';
import { loneToken, visibleToken } from './tokens.ts';

/** Shades of a token, from none to the latent's largest value. */
const SHADES = 8;

/** Where the page shows a latent; the browser listens to it. */
export function latentHref(latent: number): string {
  return `#latent=${latent}`;
}

export function drawFeature(index: FeatureIndex, place: number, feature: Feature): Markup {
  const { columns, tokens } = index;
  const max = columns.max[place]!;
  const text = (id: number): string => tokens[String(id)] ?? `#${id}`;
  const of = (kind: FeatureContext['kind']): FeatureContext[] =>
    feature.contexts.filter((each) => each.kind === kind);
  return html`<h2 id="latent-${feature.latent}" tabindex="-1">Latent ${formatCount(feature.latent)}</h2>
<p class="latent-facts">Fires on <b>${share(columns.rate[place]!)}</b> of tokens (95 % interval ${share(columns.low[place]!)}–${share(columns.high[place]!)}); where it does it is <b>${formatNumber(columns.mean[place]!, 2)}</b> in the mean and <b>${formatNumber(max, 2)}</b> at most.${chosenText(columns.choice[place]!)}</p>
<div class="latent-lists">
${effects('Raises', 'One unit of the latent adds to these tokens’ logits, through the last norm’s scale', feature.raised, text)}
${effects('Lowers', 'and takes from these', feature.lowered, text)}
${others('Nearest decoder rows', 'cosine', feature.neighbours)}
${others('Fires together with', 'share of their tokens that have both', feature.companions)}
${histogram(feature.histogram)}
</div>
${stretches('Strongest', of('top'), max, text)}
${stretches('Drawn at random', of('sampled'), max, text)}`;
}

function chosenText(choice: FeatureIndex['columns']['choice'][number]): string | false {
  switch (choice) {
    case 'all':
      return false;
    case 'dense':
      return ' Shown as one of the densest.';
    case 'isolated':
      return ' Shown as one of the most isolated: no decoder row is near its own.';
    case 'random':
      return ' Shown as one of those drawn at random.';
  }
}

export function share(value: number): string {
  return value >= 0.001 ? `${formatNumber(100 * value, value >= 0.1 ? 1 : 2)} %` : formatSmall(value);
}

function effects(
  title: string,
  note: string,
  pairs: Feature['raised'],
  text: (id: number) => string,
): Markup {
  return list(
    title,
    note,
    pairs?.map(
      ([id, value]) => html`<li><code>${loneToken(text(id))}</code> <span>${signed(value)}</span></li>`,
    ) ?? null,
  );
}

function others(title: string, note: string, pairs: Feature['neighbours']): Markup {
  return list(
    title,
    note,
    pairs?.map(
      ([latent, value]) =>
        html`<li><a href="${latentHref(latent)}">${String(latent)}</a> <span>${formatNumber(value, 2)}</span></li>`,
    ) ?? null,
  );
}

function list(title: string, note: string, items: readonly Markup[] | null): Markup {
  const body: Inserted =
    items === null
      ? html`<p class="sub">The SAE has no direction for a latent.</p>`
      : items.length === 0
        ? html`<p class="sub">None.</p>`
        : html`<ol>${items}</ol>`;
  return html`<section><h3>${title}</h3><p class="sub">${note}</p>${body}</section>`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${formatNumber(Math.abs(value), 2)}`;
}

/** Bars over quarters of powers of two. */
function histogram({ first, counts }: Feature['histogram']): Markup {
  const most = Math.max(1, ...counts);
  const [width, height] = [Math.max(1, counts.length), 48];
  const from = formatBrief(2 ** (first / 4));
  const to = formatBrief(2 ** ((first + counts.length) / 4));
  const bars = counts.map((count, i) => {
    const tall = (height * count) / most;
    return html`<rect x="${i + 0.08}" y="${(height - tall).toFixed(1)}" width="0.84" height="${tall.toFixed(1)}"><title>${formatCount(count)} tokens from ${formatBrief(2 ** ((first + i) / 4))} on</title></rect>`;
  });
  return html`<section><h3>Values</h3><p class="sub">where it fires, by powers of 2</p><svg class="latent-histogram" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="Histogram of its values from ${from} to ${to}">${bars}</svg><p class="sub latent-ends"><span>${from}</span><span>${to}</span></p></section>`;
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
  const shown = ids.map((id, i) => {
    const value = values[i]!;
    const token = visibleToken(text(id));
    if (value === 0) return html`<span>${token}</span>`;
    const shade = Math.min(SHADES, Math.max(1, Math.ceil((SHADES * value) / max)));
    return html`<mark class="w${shade}${i === peak && ' peak'}" title="${formatNumber(value, 2)}">${token}</mark>`;
  });
  return html`<li><span class="value">${formatNumber(values[peak]!, 2)}</span> <q dir="auto" class="text">${shown}</q> <span class="sub">row ${formatCount(row)}</span></li>`;
}
