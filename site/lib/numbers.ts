/** Numbers as readers see them: real minus signs, grouped thousands, an en dash or “to” between bounds. Runs in browsers. */

/** By digits; making one costs more than a table's row. */
const formatters = new Map<number, Intl.NumberFormat>();

function formatter(digits: number): Intl.NumberFormat {
  const known = formatters.get(digits);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formatters.set(digits, made);
  return made;
}

export function formatNumber(value: number, digits: number): string {
  const text = formatter(digits).format(Math.abs(value));
  // A value that rounds to zero has no sign.
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** A change: with its sign, unless it rounds to zero. */
export function formatSigned(change: number, digits: number): string {
  const text = formatNumber(change, digits);
  return change > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** A setting of unknown scale: as short as it can be said exactly. */
export function formatPlain(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential().replace('-', '−');
  return formatNumber(value, Math.min(20, (String(value).split('.')[1] ?? '').length));
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** 10 to a whole power: 10⁻³. */
export function powerOfTen(power: number): string {
  const digits = [...String(Math.abs(power))].map((digit) => superscripts[Number(digit)]).join('');
  return `10${power < 0 ? '⁻' : ''}${digits}`;
}

/** A small positive number by its order of size, two digits: 2.3 × 10⁻⁵. */
export function formatSmall(value: number): string {
  const [lead = '', power = '0'] = value.toExponential(1).split('e');
  return `${lead} × ${powerOfTen(Number(power))}`;
}

/** A positive number on an axis of powers of ten, which are written alone: 10⁻³, 3.2 × 10⁻³. */
export function formatPower(value: number): string {
  const power = Math.round(Math.log10(value));
  return Math.abs(value / 10 ** power - 1) < 1e-9 ? powerOfTen(power) : formatSmall(value);
}

/** A quantity of any scale in three digits, as an axis has room for: 0.42, 2.5e−4, 31 k. */
export function formatBrief(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e4) return (value < 0 ? '−' : '') + formatTokens(size);
  const short = Number(value.toPrecision(3));
  return size !== 0 && size < 1e-3 ? short.toExponential().replaceAll('-', '−') : formatPlain(short);
}

export function formatCount(value: number): string {
  return formatNumber(value, 0);
}

const units = [
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** Tokens in brief, three digits at most: 200 M, 131 k, 512. The space does not break. */
export function formatTokens(value: number): string {
  for (const [size, unit] of units) {
    if (value >= size) return `${Number((value / size).toPrecision(3))}\u00a0${unit}`;
  }
  return formatCount(value);
}

export function formatInterval(low: number, high: number, digits: number): string {
  const [from, to] = [formatNumber(low, digits), formatNumber(high, digits)];
  // A dash beside a minus sign reads as another one.
  return /^−/.test(from) || /^−/.test(to) ? `${from} to ${to}` : `${from}–${to}`;
}
