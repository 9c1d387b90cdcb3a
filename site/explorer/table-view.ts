/** The table as markup. Its head and its body stand apart, so that sorting keeps the focus where it is. */
import { counted } from '../../runner/report/counted.ts';
import { isTranscoderSite } from '../../runner/report/place-site.ts';
import type { Kind } from '../../runner/report/schema.ts';
import { type Columns, textAt } from '../lib/columns.ts';
import { html, type Markup } from '../lib/html.ts';
import { kindLabels } from '../lib/kinds.ts';
import { formatBrief, formatCount, formatInterval } from '../lib/numbers.ts';
import { once } from '../lib/once.ts';
import { definitionPath, sitePath } from '../lib/url.ts';
import { endsOf, type Field, formatField, type Source, valuesOf } from './fields.ts';
import type { RowGroup } from './rows.ts';
import { type Bracket, brackets, type Standing, type Standings } from './standing.ts';
import type { State } from './state.ts';

/** Rows in the document until more are asked for. */
export const FIRST_ROWS = 50;
/** Of them, about what a screen holds. */
export const AT_ONCE = 16;

export interface TableInput {
  source: Source;
  state: State;
  /** Of `state.columns`, in order. */
  fields: readonly Field[];
  groups: readonly RowGroup[];
  standings: Standings;
  /** Whether any row is ranked: without, there is no column of ranks. */
  ranked: boolean;
}

export function headView({ source, state, fields, groups, ranked }: TableInput): Markup {
  const spread = spreadOf(source, state, groups);
  return html`<tr><td class="pick"><span class="hidden">Compare</span></td>
<th scope="col" class="name"${sortedBy(state, 'name')}>${sortButton('name', 'SAE')}</th>
${ranked && html`<th scope="col" class="rank">Rank</th>`}
${fields.map(
  (
    field,
  ) => html`<th scope="col" class="number"${sortedBy(state, field.id)}>${sortButton(field.id, field.name, field.title)}
${definitionLink(field)}${
  spread !== null &&
  spread.id === field.id &&
  html`<span class="ends" aria-hidden="true"><span>${formatBrief(spread.from)}</span><span>${formatBrief(spread.to)}</span></span>`
}</th>`,
)}</tr>`;
}

function sortedBy({ sort, descending }: State, id: string): Markup | null {
  if (sort !== id) return null;
  return descending ? html` aria-sort="descending"` : html` aria-sort="ascending"`;
}

function sortButton(id: string, name: string, title?: string): Markup {
  return html`<button type="button" class="sort" data-sort="${id}"${
    title !== undefined && html` title="${title}"`
  }>${name}<svg class="sort-mark" width="8" height="12" viewBox="0 0 8 12" aria-hidden="true"><path class="up" d="M1 4.5 4 1.5l3 3"/><path class="down" d="M1 7.5l3 3 3-3"/></svg></button>`;
}

function definitionLink({ definitions, name, study }: Field): Markup | null {
  const [first] = definitions;
  if (first === undefined) return null;
  const version =
    definitions.length > 1 ? `${definitions.length} definitions` : (first.split('@')[1] ?? 'definition');
  return html`<a class="define" href="${definitionPath(first)}" title="${[definitions.join(', '), study ?? ''].filter(Boolean).join('\n')}">${version}<span class="hidden">: definition of ${name}</span></a>`;
}

/** The rows from one place to another, over all groups; their headings where a group begins. */
export function bodyView(input: TableInput, from: number, to: number): Markup {
  const { groups, state, source, fields, standings, ranked } = input;
  const columns = fields.map((field) => cellsOf(source, field, state.intervals));
  const spread = spreadOf(source, state, groups);
  const picked = new Set(state.pick);
  const out: Markup[] = [];
  let passed = 0;
  for (const group of groups) {
    const [first, last] = [Math.max(0, from - passed), Math.min(group.rows.length, to - passed)];
    passed += group.rows.length;
    if (first >= last) continue;
    if (first === 0 && group.heading !== null) out.push(headingView(group, input));
    const joins = ranked && state.grouped ? brackets(group.rows, standings) : [];
    for (let i = first; i < last; i++) {
      const row = group.rows[i]!;
      const id = textAt(source.columns, 'id', row)!;
      out.push(
        html`<tr data-row="${row}">${nameCells(source, row, picked.has(id))}${
          ranked && rankCell(standings[row] ?? null, joins[i] ?? null, source, row)
        }${columns.map((cells, place) => cellView(cells, row, spread !== null && spread.id === fields[place]!.id ? spread : null))}</tr>`,
      );
    }
  }
  return html`${out}`;
}

function headingView({ heading, rows }: RowGroup, { fields, standings, ranked }: TableInput): Markup {
  const known = rows.filter((row) => standings[row] != null).length;
  const noun = isTranscoderSite(heading!.site) ? 'transcoder' : 'SAE';
  const many = counted(rows.length, noun);
  const words = ranked
    ? `${many}, ${known === 0 ? 'none ranked: no InterpScore with an interval' : `${formatCount(known)} ranked`}`
    : many;
  const { model, site, text } = heading!;
  return html`<tr class="group"><th colspan="${fields.length + 2 + Number(ranked)}" scope="rowgroup"><span class="heading">${model} <span class="sub">${site} · ${text} · ${words}</span></span></th></tr>`;
}

/** Whether a name alone does not say which SAE a row is. */
const isNamedTwice = once(({ text: { name } }: Columns): ((row: number) => boolean) => {
  const counts = new Map<number, number>();
  for (const place of name.at) counts.set(place, (counts.get(place) ?? 0) + 1);
  return (row) => counts.get(name.at[row]!)! > 1;
});

function nameCells({ columns }: Source, row: number, picked: boolean): Markup {
  const name = textAt(columns, 'name', row) ?? textAt(columns, 'id', row)!;
  const kind = textAt(columns, 'kind', row) as Kind;
  const { layer, d_sae, k } = columns.numbers;
  const said = [
    textAt(columns, 'architecture', row),
    layer[row] != null && `layer\u00a0${layer[row]}`,
    d_sae[row] != null && `${formatCount(d_sae[row]!)}\u00a0latents`,
    k[row] != null && `k\u00a0${k[row]}`,
    isNamedTwice(columns)(row) && textAt(columns, 'id', row),
  ];
  return html`<td class="pick"><label><input type="checkbox" name="pick" value="${textAt(columns, 'id', row)}"${
    picked && html` checked`
  } aria-label="Compare ${name}"></label></td>
<th scope="row" class="name"><a href="${sitePath(textAt(columns, 'url', row) ?? '')}">${name}</a><span class="sub"><span class="badge ${kind}">${kindLabels[kind]}</span> ${said
    .filter((part) => part !== false && part !== null)
    .join(' · ')}</span></th>`;
}

function rankCell(standing: Standing | null, bracket: Bracket, { columns }: Source, row: number): Markup {
  if (standing === null)
    return html`<td class="rank"><span class="missing" title="Listed, not ranked">–</span></td>`;
  const { best, worst, resolved } = standing;
  const look = bracket === null ? '' : ` tie ${bracket}`;
  if (!resolved)
    return html`<td class="rank${look} by-value" title="By the values alone: no resamples were judged">${best}</td>`;
  if (best === worst) return html`<td class="rank${look}">${best}</td>`;
  const others = worst - best;
  const { model, site, text } = {
    model: textAt(columns, 'model', row),
    site: textAt(columns, 'site', row),
    text: textAt(columns, 'text', row),
  };
  return html`<td class="rank${look}"><details><summary>${best}–${worst}</summary><p>Tied with ${counted(others, 'other')}: the evaluation does not tell them apart. Ranked among ${model}, ${site}, ${text}.</p></details></td>`;
}

interface Cells {
  field: Field;
  value: readonly (number | null)[] | null;
  low: readonly (number | null)[] | null;
  high: readonly (number | null)[] | null;
  untrained: readonly (number | null)[] | null;
}

function cellsOf(source: Source, field: Field, intervals: boolean): Cells {
  const ends = (end: 'low' | 'high') => (intervals ? endsOf(source, field.id, end) : null);
  return {
    field,
    value: valuesOf(source, field.id),
    low: ends('low'),
    high: ends('high'),
    untrained: endsOf(source, field.id, 'untrained'),
  };
}

function cellView({ field, value, low, high, untrained }: Cells, row: number, spread: Spread | null): Markup {
  if (value === null)
    return html`<td class="number"><span class="missing">…<span class="hidden">loading</span></span></td>`;
  const found = value[row] ?? null;
  if (found === null) return html`<td class="number"><span class="missing" title="No value">–</span></td>`;
  const [from, to] = [low?.[row] ?? null, high?.[row] ?? null];
  const bounds = from === null || to === null ? null : formatInterval(from, to, field.digits);
  return html`<td class="number"><span class="value">${formatField(field, found)}</span>${
    spread !== null && whiskerView(spread, found, from, to, untrained?.[row] ?? null)
  }${bounds !== null && html`<span class="interval">${bounds}</span>`}</td>`;
}

/** The scale that the sorted column is drawn on: from the least to the most that any row shown reaches. */
interface Spread {
  id: string;
  from: number;
  to: number;
}

function spreadOf(
  source: Source,
  { sort, columns, intervals }: State,
  groups: readonly RowGroup[],
): Spread | null {
  if (!columns.includes(sort)) return null;
  const ends = intervals ? [endsOf(source, sort, 'low'), endsOf(source, sort, 'high')] : [];
  const sides = [valuesOf(source, sort), endsOf(source, sort, 'untrained'), ...ends];
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { rows } of groups) {
    for (const side of sides) {
      for (const row of rows) {
        const value = side?.[row];
        if (value == null) continue;
        if (value < from) from = value;
        if (value > to) to = value;
      }
    }
  }
  return from < to ? { id: sort, from, to } : null;
}

/** Of the drawing of an interval, pixels. */
const WIDTH = 96;
const PAD = 4;

function whiskerView(
  { from, to }: Spread,
  value: number,
  low: number | null,
  high: number | null,
  untrained: number | null,
): Markup {
  const at = (one: number): number => Math.round(((one - from) / (to - from)) * WIDTH * 10) / 10;
  const known = low !== null && high !== null;
  return html`<svg class="whisker" width="${WIDTH + 2 * PAD}" height="10" viewBox="${-PAD} 0 ${WIDTH + 2 * PAD} 10" aria-hidden="true"><path class="track" d="M0 5H${WIDTH}"/>${
    untrained !== null && html`<path class="floor" d="M${at(untrained)} 0v10"/>`
  }${
    known && html`<path class="range" d="M${at(low)} 5H${at(high)}M${at(low)} 2v6M${at(high)} 2v6"/>`
  }<circle class="point${!known && ' hollow'}" cx="${at(value)}" cy="5" r="3"/></svg>`;
}
