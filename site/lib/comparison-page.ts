/** A comparison as it stands in the page: warnings, what is resolved, pictures, table. Made in the browser. */
import { drawFigure } from '../charts/figure.ts';
import type { ChartSpec } from '../charts/spec.ts';
import type { ComparisonSection } from './comparison.ts';
import { type ComparedSae, drawComparison } from './comparison-table.ts';
import { html, type Markup } from './html.ts';
import type { ProtocolDifference } from './protocol.ts';
import { drawSwatch } from './trajectory-page.ts';
import type { Difference, Verdict } from './verdicts.ts';

export interface ComparisonPage {
  saes: readonly (ComparedSae & { label: string })[];
  protocol: readonly ProtocolDifference[];
  verdicts: readonly Verdict[];
  charts: readonly ChartSpec[];
  sections: readonly ComparisonSection[];
}

export function drawComparisonPage({ saes, protocol, verdicts, charts, sections }: ComparisonPage): Markup {
  return html`${drawProtocol(saes, protocol)}<section class="verdicts" aria-labelledby="verdicts"><h2 id="verdicts">What is resolved</h2>${verdicts.map(
    (verdict) => drawVerdict(saes, verdict),
  )}</section>${
    charts.length > 0 &&
    html`<section class="compared-charts" aria-labelledby="compared-charts"><h2 id="compared-charts">Over one another</h2><ul class="swatches">${saes.map(
      ({ label, name }, i) => html`<li>${drawSwatch(i)}<b>${label}</b> ${name}</li>`,
    )}</ul><div class="charts">${charts.map((spec) => drawFigure(spec, { note: spec.source.split(' ·')[0] }))}</div></section>`
  }<section aria-labelledby="compared-table"><h2 id="compared-table">Everything</h2>${drawComparison('The SAEs picked, side by side; differences refer to the first', saes, sections)}</section>`;
}

function drawProtocol(saes: ComparisonPage['saes'], protocol: readonly ProtocolDifference[]): Markup | false {
  if (protocol.length === 0) return false;
  return html`<aside class="caveats" aria-labelledby="protocol"><h2 id="protocol">Not measured alike</h2><p>A difference below may come of these, and not of the SAEs.</p><dl class="protocol">${protocol.map(
    ({ name, values }) =>
      html`<div><dt>${name}</dt>${values.map((value, i) => html`<dd><b>${saes[i]?.label}</b> ${value}</dd>`)}</div>`,
  )}</dl></aside>`;
}

function drawVerdict(
  saes: ComparisonPage['saes'],
  { column, unlike, resolved, open, unknown }: Verdict,
): Markup {
  const [first, other] = [saes[0], saes[column]];
  if (unlike.length > 0)
    return html`<section class="verdict"><h3>${other?.label} against ${first?.label}</h3><p class="notice">Not judged: they were not measured alike (${unlike.join(', ')}). The table has both values of everything.</p></section>`;
  const better = resolved.filter((each) => each.better === true);
  const worse = resolved.filter((each) => each.better === false);
  const neither = resolved.filter((each) => each.better === null);
  return html`<section class="verdict"><h3>${other?.label} against ${first?.label}</h3>${drawList(`${other?.label} is better`, 'better', better)}${drawList(`${other?.label} is worse`, 'worse', worse)}${drawList('Another value, neither better nor worse', 'neither', neither)}${drawList('Not resolved', 'open', open)}${
    resolved.length + open.length === 0 &&
    html`<p class="notice">No difference of theirs can be told to be one.</p>`
  }${
    unknown > 0 &&
    html`<p class="fine">Of ${unknown} other ${unknown === 1 ? 'difference' : 'differences'} nothing can be said: one has no interval, or the intervals overlap and were not drawn over the same rows.</p>`
  }</section>`;
}

function drawList(title: string, kind: string, differences: readonly Difference[]): Markup | false {
  return (
    differences.length > 0 &&
    html`<div class="${kind}"><h4>${title}</h4><ul>${differences.map(
      ({ label, href, change, interval }) =>
        html`<li>${href ? html`<a href="${href}">${label}</a>` : label} <b>${change}</b>${interval && html` <span class="interval">${interval}</span>`}</li>`,
    )}</ul></div>`
  );
}
