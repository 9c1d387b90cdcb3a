/** A comparison as a table: records as columns, the first the one that the others' differences refer to. */
import type { ComparisonCell, ComparisonRow, ComparisonSection } from './comparison.ts';
import { html, type Markup } from './html.ts';

export interface ComparedSae {
  id: string;
  name: string;
  model: string;
  href: string;
}

export function drawComparison(
  caption: string,
  saes: readonly ComparedSae[],
  sections: readonly ComparisonSection[],
): Markup {
  return html`<section class="scroller" aria-label="${caption}" tabindex="0"><table class="comparison"><caption>${caption}</caption><thead><tr><td></td>${saes.map(
    ({ href, name, model }) =>
      html`<th scope="col"><a href="${href}">${name}</a><span class="sub">${model}</span></th>`,
  )}</tr></thead>${sections.map(
    ({ title, rows }) =>
      html`<tbody><tr class="section"><th scope="rowgroup" colspan="${saes.length + 1}"><span>${title}</span></th></tr>${rows.map(drawRow)}</tbody>`,
  )}</table></section>`;
}

function drawRow({ differs, href, label, definition, cells }: ComparisonRow): Markup {
  return html`<tr${differs && html` class="differs"`}><th scope="row">${href ? html`<a href="${href}">${label}</a>` : label}${
    definition && html`<code class="sub">${definition}</code>`
  }${differs && html`<span class="hidden"> (differs)</span>`}</th>${cells.map((cell) => {
    const kind = definition ? 'number' : cell.other ? 'other' : null;
    return html`<td${kind && html` class="${kind}"`}>${drawCell(cell)}</td>`;
  })}</tr>`;
}

function drawCell({ text, reason, change, changeInterval, details, resolved }: ComparisonCell): Markup {
  if (text === null)
    return html`<span class="missing"${reason && html` title="${reason}"`}>n/a<span class="hidden">: ${reason}</span></span>`;
  return html`<span class="value">${text}</span>${
    change !== null &&
    html`<span class="${resolved ? 'change apart' : 'change'}"><span class="hidden">Difference to the first: </span>${change}${resolved && html`<span class="hidden"> (resolved)</span>`}</span>`
  }${details.map(
    (line, i) => html`<span class="interval"${i === 0 && reason && html` title="${reason}"`}>${line}</span>`,
  )}${
    changeInterval !== null &&
    html`<span class="interval">difference ${changeInterval}${resolved === false && ', not resolved'}</span>`
  }`;
}
