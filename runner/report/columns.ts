/** Width of each column of a terminal's table: that of its longest cell. */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  return (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
}

/** A line for each row, cells flush right but for the first where it is a name. */
export function inColumns(
  rows: readonly (readonly string[])[],
  { first }: { first: 'left' | 'right' },
): string[] {
  const widths = columnWidths(rows);
  const padded = (cell: string, column: number): string =>
    column === 0 && first === 'left' ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!);
  return rows.map((row) => row.map(padded).join('  ').trimEnd());
}
