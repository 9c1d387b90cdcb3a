/** What the controls list: values of a filter, columns and axes to choose from. */
import type { Kind } from '../../runner/report/schema.ts';
import type { Columns } from '../lib/columns.ts';
import { html, type Markup } from '../lib/html.ts';
import { kindLabels } from '../lib/kinds.ts';
import { formatCount } from '../lib/numbers.ts';
import { components, presetOf, presets, shares, type Weights } from './composite.ts';
import type { Field } from './fields.ts';
import { type Facet, facetValues } from './state.ts';

export function facetView(columns: Columns, name: Facet): Markup {
  return html`${facetValues(columns, name).map(
    (value) =>
      html`<label class="check"><input type="checkbox" name="${name}" value="${value}"><span>${facetWord(name, value)}</span><span class="count" data-count="${value}"></span></label>`,
  )}`;
}

export function facetWord(name: Facet, value: string): string {
  if (name === 'kind') return kindLabels[value as Kind];
  return name === 'width' ? formatCount(Number(value)) : value;
}

/** Options of an axis, by group. */
export function fieldOptions(fields: Iterable<Field>): Markup {
  return html`${[...Map.groupBy(fields, ({ group }) => group)].map(
    ([group, members]) =>
      html`<optgroup label="${group}">${members.map(({ id, title, definitions }) => html`<option value="${id}">${title}${versions(id, definitions)}</option>`)}</optgroup>`,
  )}`;
}

/** Boxes of the columns, by group; those chosen first stand first in the table. */
export function columnBoxes(fields: Iterable<Field>): Markup {
  return html`${[...Map.groupBy(fields, ({ group }) => group)].map(
    ([group, members]) =>
      html`<fieldset><legend>${group}</legend>${members.map(
        ({ id, title, definitions }) =>
          html`<label class="check"><input type="checkbox" name="columns" value="${id}"><span>${title}${versions(id, definitions)}</span></label>`,
      )}</fieldset>`,
  )}`;
}

/** Titles recur over versions of a definition. */
function versions(id: string, definitions: readonly string[]): string {
  const version = definitions.length === 1 && id.includes('@') ? definitions[0]!.split('@')[1] : undefined;
  return version === undefined ? '' : ` (${version})`;
}

export function weightsView(weights: Weights): Markup {
  const preset = presetOf(weights);
  const share = shares(weights);
  return html`<fieldset class="presets"><legend>Weights</legend>${presets.map(
    ({ id, label }) =>
      html`<label class="check"><input type="radio" name="preset" value="${id}"${id === preset && html` checked`}><span>${label}</span></label>`,
  )}</fieldset>
${components.map(
  ({ label }, i) =>
    html`<label class="weight s${i}"><span>${label}</span><input type="range" name="weight" min="0" max="100" step="1" value="${weights[i] ?? 0}" data-part="${i}"><output>${percent(share[i]!)}</output></label>`,
)}`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
