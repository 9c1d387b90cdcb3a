/** The table of measured figures in docs/benchmarks.md, a row for each benchmark that was run with --write. */

/** Of benchmarks that print much, the lines that hold the figures; of others every line counts. */
const figures: Readonly<Record<string, RegExp>> = {
  evaluation: /: ratio /,
  'second-sae': /^second \/ first/,
  'lm-peer': /ratio/,
  parity: /^largest/,
};

const BEGIN = '<!-- measured: npm run bench -- NAME --write -->';
const END = '<!-- end of measured -->';
const HEAD = ['| command | figures | processor | date |', '|---|---|---|---|'];

/** Between cells stand bars that are not part of a figure. */
const cellsOf = (row: string): number => row.split(/(?<!\\)\|/).length - 2;

/**
 * The rows of the table on the page, each a line.
 *
 * @throws RangeError for a row that is not one of figures
 */
export function measuredRows(page: string): string[] {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new RangeError(`expected ${BEGIN} and ${END} on the page`);
  const lines = page.slice(from + BEGIN.length, to).split('\n');
  const rows = lines.filter((line) => line !== '' && !HEAD.includes(line));
  const stray = rows.find(
    (row) => !row.startsWith('| `npm run bench -- ') || cellsOf(row) !== cellsOf(HEAD[0]!),
  );
  if (stray !== undefined) throw new RangeError(`no row of measured figures: ${stray.slice(0, 100)}`);
  return rows;
}

export interface Measured {
  /** Of the benchmark, and the options it was given. */
  name: string;
  options: readonly string[];
  output: string;
  /** Model of the processor. */
  processor: string;
  cores: number;
  /** As 2026-01-31. */
  date: string;
}

/**
 * The page with the row of a benchmark in its table, in the place of an earlier one.
 *
 * @throws RangeError when the page has no such table, the table a row of something else, or the output no figures
 */
export function withMeasured(
  page: string,
  { name, options, output, processor, cores, date }: Measured,
): string {
  const known = measuredRows(page);
  const wanted = figures[name];
  const lines = output
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.includes(processor) && (wanted?.test(line) ?? true));
  if (lines.length === 0) throw new RangeError(`no figures in what ${name} printed`);
  const command = ['npm run bench --', name, ...options].join(' ');
  const cell = (text: string): string => text.trim().replaceAll(/ {2,}/g, ' ').replaceAll('|', '\\|');
  const row = `| \`${command}\` | ${lines.map(cell).join('<br>')} | ${cell(processor)}, ${cores} cores | ${date} |`;
  const rows = known.filter((line) => !line.startsWith(`| \`${command}\` `));
  const table = [BEGIN, '', ...HEAD, ...[...rows, row].sort(), '', END];
  const [before, rest] = [page.indexOf(BEGIN), page.indexOf(END) + END.length];
  return page.slice(0, before) + table.join('\n') + page.slice(rest);
}
