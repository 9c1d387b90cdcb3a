/** Sizes as people write them. */
import { quote, UserError } from '../errors.ts';

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const decimal = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** With three digits: 1.50 GiB. */
export function formatBytes(bytes: number): string {
  const power = Math.min(binary.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value >= 999.5 ? Math.round(value) : value.toPrecision(3)} ${binary[power]}`;
}

/**
 * Reads a size such as 20GiB, 1.5 GB or 800MiB.
 *
 * @param option what it is the value of, for the error
 * @throws UserError for anything else
 */
export function parseBytes(option: string, text: string): number {
  const found = /^(\d{1,6}(?:\.\d{1,3})?) ?([A-Za-z]{1,3})$/.exec(text.trim());
  const unit = found?.[2]?.toLowerCase();
  const power = [binary, decimal].map((units) => units.findIndex((name) => name.toLowerCase() === unit));
  const bytes =
    found === null || unit === undefined
      ? Number.NaN
      : Number(found[1]) *
        (power[0]! >= 0 ? 1024 ** power[0]! : power[1]! >= 0 ? 1000 ** power[1]! : Number.NaN);
  if (bytes > 0) return Math.round(bytes);
  throw new UserError({
    thing: option,
    found: quote(text),
    expected: 'a size with its unit, as 20GiB or 800MB',
    next: `Write it as ${option} 20GiB.`,
  });
}
