/** What is shown, for other programs: the rows that the filters keep, in their order, with the columns chosen. Pure. */
import { type TextField, textAt } from '../lib/columns.ts';
import { csvCell } from '../lib/csv.ts';
import { formatInterval } from '../lib/numbers.ts';
import { endsOf, type Field, formatField, ownDefinitionField, type Source, valuesOf } from './fields.ts';
import type { RowGroup } from './rows.ts';
import type { Standings } from './standing.ts';

export const formats = {
  csv: { label: 'CSV', type: 'text/csv' },
  json: { label: 'JSON', type: 'application/json' },
  markdown: { label: 'Markdown', type: 'text/markdown' },
  latex: { label: 'LaTeX', type: 'application/x-tex' },
} as const;

export type Format = keyof typeof formats;

export interface Shown {
  source: Source;
  fields: readonly Field[];
  groups: readonly RowGroup[];
  standings: Standings;
  intervals: boolean;
  /** The view's own address. */
  address: string;
}

const endings: Readonly<Record<Format, string>> = { csv: 'csv', json: 'json', markdown: 'md', latex: 'tex' };

export function fileName(format: Format): string {
  return `saes.${endings[format]}`;
}

export function exported(format: Format, shown: Shown): string {
  switch (format) {
    case 'csv':
      return csv(shown);
    case 'json':
      return json(shown);
    case 'markdown':
      return markdown(shown);
    case 'latex':
      return latex(shown);
  }
}

/** What the first cells of a row say, in words and numbers. */
const identity = ['id', 'name', 'kind', 'model', 'hook', 'text', 'architecture'] as const;
const sizes = ['layer', 'd_sae', 'k'] as const;

interface Cell {
  value: number | null;
  low: number | null;
  high: number | null;
}

function cellAt({ source, intervals }: Shown, { id }: Field, row: number): Cell {
  const end = (which: 'low' | 'high'): number | null =>
    intervals ? (endsOf(source, id, which)?.[row] ?? null) : null;
  return { value: valuesOf(source, id)?.[row] ?? null, low: end('low'), high: end('high') };
}

function rowsOf({ groups }: Shown): number[] {
  return groups.flatMap(({ rows }) => rows);
}

/** The head names definitions, not short names. A row's value by a definition of its own has that definition beside it. */
function csv(shown: Shown): string {
  const { source, fields, standings, intervals } = shown;
  const { columns } = source;
  const ends = intervals ? ['', '.low', '.high'] : [''];
  const head = [
    ...identity,
    ...sizes,
    'rank_best',
    'rank_worst',
    ...fields.flatMap(({ id }) => ends.map((end) => `${id}${end}`)),
    ...ownDefinitions(fields).map(({ id }) => `${id}.definition`),
  ];
  const lines = rowsOf(shown).map((row) => [
    ...identity.map((field) => textAt(columns, field, row)),
    ...sizes.map((field) => columns.numbers[field][row] ?? null),
    standings[row]?.best ?? null,
    standings[row]?.worst ?? null,
    ...fields.flatMap((field) => {
      const { value, low, high } = cellAt(shown, field, row);
      return intervals ? [value, low, high] : [value];
    }),
    ...ownDefinitions(fields).map(({ by }) => textAt(columns, by, row)),
  ]);
  return `${[head, ...lines].map((line) => line.map(csvCell).join(',')).join('\r\n')}\r\n`;
}

/** Columns whose values are each by the definition of their row. */
function ownDefinitions(fields: readonly Field[]): { id: string; by: TextField }[] {
  return fields.flatMap(({ id }) => {
    const by = ownDefinitionField(id);
    return by === null ? [] : [{ id, by }];
  });
}

function json(shown: Shown): string {
  const { source, fields, standings, address } = shown;
  const { columns } = source;
  const rows = rowsOf(shown).map((row) => ({
    ...Object.fromEntries(identity.map((field) => [field, textAt(columns, field, row)])),
    ...Object.fromEntries(sizes.map((field) => [field, columns.numbers[field][row] ?? null])),
    rank: standings[row] ?? null,
    values: Object.fromEntries(
      fields.map((field) => {
        const { value, low, high } = cellAt(shown, field, row);
        const own = ownDefinitions([field])[0];
        const definition = own === undefined ? {} : { definition: textAt(columns, own.by, row) };
        return [field.id, { value, ...(low === null || high === null ? {} : { low, high }), ...definition }];
      }),
    ),
  }));
  const described = fields.map(({ id, title, unit, definitions }) => ({ id, title, unit, definitions }));
  return `${JSON.stringify({ address, columns: described, rows }, null, 2)}\n`;
}

/** Rows as a reader sees them: name, model, rank, and values with their intervals. */
function printed(shown: Shown): { head: string[]; lines: string[][] } {
  const { source, fields, standings } = shown;
  const ranked = rowsOf(shown).some((row) => standings[row] != null);
  return {
    head: ['SAE', 'Model', ...(ranked ? ['Rank'] : []), ...fields.map(({ name }) => name)],
    lines: rowsOf(shown).map((row) => {
      const standing = standings[row] ?? null;
      const rank =
        standing === null
          ? '–'
          : standing.best === standing.worst
            ? `${standing.best}`
            : `${standing.best}–${standing.worst}`;
      return [
        textAt(source.columns, 'name', row) ?? '',
        textAt(source.columns, 'model', row) ?? '',
        ...(ranked ? [rank] : []),
        ...fields.map((field) => {
          const { value, low, high } = cellAt(shown, field, row);
          if (value === null) return '–';
          const bounds = low === null || high === null ? '' : ` (${formatInterval(low, high, field.digits)})`;
          return `${formatField(field, value)}${bounds}`;
        }),
      ];
    }),
  };
}

function definitionsOf({ fields }: Shown): string[] {
  return [...new Set(fields.flatMap(({ name, definitions }) => definitions.map((one) => `${name}: ${one}`)))];
}

function markdown(shown: Shown): string {
  const { head, lines } = printed(shown);
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownCell).join(' | ')} |`;
  const rule = head.map((_, i) => (i < 2 ? '---' : '---:'));
  return `${[line(head), `| ${rule.join(' | ')} |`, ...lines.map(line)].join('\n')}

In brackets 95 % intervals. Definitions: ${definitionsOf(shown).map(markdownCell).join('; ')}. From <${shown.address}>.
`;
}

/** Text that stays text: no markup, no column break, no line break. */
export function markdownCell(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]<>|~]/g, (sign) => `\\${sign}`)
    .trim();
}

function latex(shown: Shown): string {
  const { head, lines } = printed(shown);
  const line = (cells: readonly string[]): string => `    ${cells.map(latexCell).join(' & ')} \\\\`;
  return `% \\usepackage{booktabs}
% ${definitionsOf(shown).join('; ').replace(/\s+/g, ' ')}
% ${shown.address.replace(/\s+/g, ' ')}
\\begin{tabular}{ll${'r'.repeat(head.length - 2)}}
    \\toprule
${line(head)}
    \\midrule
${lines.map(line).join('\n')}
    \\bottomrule
\\end{tabular}
`;
}

const latexSigns: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '–': '--',
  '−': '$-$',
  '\u00a0': '~',
};

export function latexCell(text: string): string {
  return text
    .replace(/[\t\r\n]+/g, ' ')
    .replace(/[\\{}~^<>|–−\u00a0]|[$&%#_]/g, (sign) => latexSigns[sign] ?? `\\${sign}`);
}
