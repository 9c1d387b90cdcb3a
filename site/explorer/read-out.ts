/** What a point says: who it is, and both values with their intervals. */
import { textAt } from '../lib/columns.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatCount, formatInterval } from '../lib/numbers.ts';
import { sitePath } from '../lib/url.ts';
import { endsOf, type Field, formatField, ownDefinitionField, valuesOf } from './fields.ts';
import type { View } from './view.ts';

export function readOutView(view: View, row: number): Markup {
  const { columns } = view.source;
  return html`<a href="${linkOf(view, row)}">${nameOf(view, row)}</a>
<span class="sub">${[textAt(columns, 'model', row), ...shapeOf(view, row)].join(' · ')}</span>
<dl>${[view.y, view.x].map((field) => {
    const { value, bounds, definition } = readingOf(view, field, row);
    return html`<div><dt>${field.name}</dt><dd>${value}${bounds !== null && html` <span class="interval">${bounds}</span>`}${
      definition !== null && html`<code class="sub">${definition}</code>`
    }</dd></div>`;
  })}</dl>`;
}

/** The same in a sentence, to be read aloud. */
export function spokenOf(view: View, row: number): string {
  const values = [view.y, view.x].map((field) => {
    const { value, bounds } = readingOf(view, field, row);
    return `${field.name} ${value}${bounds === null ? '' : `, interval ${bounds}`}`;
  });
  return [nameOf(view, row), ...shapeOf(view, row), ...values].join(', ');
}

export function linkOf({ source: { columns } }: View, row: number): string {
  return sitePath(textAt(columns, 'url', row) ?? '');
}

function nameOf({ source: { columns } }: View, row: number): string {
  return textAt(columns, 'name', row) ?? textAt(columns, 'id', row) ?? '';
}

function shapeOf({ source: { columns } }: View, row: number): string[] {
  const { layer, d_sae, k } = columns.numbers;
  return [
    textAt(columns, 'architecture', row) ?? '',
    ...(layer[row] == null ? [] : [`layer ${layer[row]}`]),
    ...(d_sae[row] == null ? [] : [`${formatCount(d_sae[row])} latents`]),
    ...(k[row] == null ? [] : [`k ${k[row]}`]),
  ];
}

function readingOf(
  view: View,
  field: Field,
  row: number,
): { value: string; bounds: string | null; definition: string | null } {
  const { source } = view;
  const end = (which: 'low' | 'high') => endsOf(source, field.id, which)?.[row] ?? null;
  const [value, low, high] = [valuesOf(source, field.id)?.[row] ?? null, end('low'), end('high')];
  const by = ownDefinitionField(field.id);
  const own = by === null ? null : textAt(source.columns, by, row);
  return {
    value: value === null ? 'no value' : formatField(field, value),
    bounds: low === null || high === null ? null : formatInterval(low, high, field.digits),
    definition: own ?? field.definitions[0] ?? null,
  };
}
