/** Cells of CSV files. Pure. */

/**
 * A cell by RFC 4180; empty for null. Text that a spreadsheet would take for a formula (= + - @, tab, carriage return
 * first) gets an apostrophe, which spreadsheets read as "this is text": names come from others' files. Numbers are ours
 * and stay numbers.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
