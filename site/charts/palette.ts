/** Colours, shapes and dashes of series: a shape repeats what a colour says, so that neither is needed to tell them apart. */

/** Colours of tokens.css: `--c0` to `--c5`. */
export const COLOURS = 6;

/** Around the current point, of about equal area. */
const shapes = [
  'm-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z',
  'm-3.2-3.2h6.4v6.4h-6.4z',
  'm0-4.2l4 7.4h-8z',
  'm0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z',
  'm0 4.2l4-7.4h-8z',
  'm-1.3-4h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7v-2.6h2.7z',
] as const;

/** A shape at a place, pixels: a path that others may follow. */
export function shapePath(shape: number, x: number, y: number): string {
  return pathAt(shapes[shape % shapes.length]!, x, y);
}

function pathAt(relative: string, x: number, y: number): string {
  return `M${tenths(x)} ${tenths(y)}${relative}`;
}

/** Of a pixel: finer is not seen. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * The index of what is no series of its own but what series are held to, such as untrained SAEs: a colour and a marker
 * that no series has, however many there are.
 */
export const CONTROL = -1;

const controlShape =
  'm-3.8-2.4l1.4-1.4l2.4 2.4l2.4-2.4l1.4 1.4l-2.4 2.4l2.4 2.4l-1.4 1.4l-2.4-2.4l-2.4 2.4l-1.4-1.4l2.4-2.4z';

/** Class of a series' colour. */
export function colourClass(index: number): string {
  return index === CONTROL ? 's-control' : `s${index % COLOURS}`;
}

/** Path of a series' marker at a place: after each round of the colours the shapes move on by one, so that 36 pairs differ. */
export function markerPath(index: number, x = 0, y = 0): string {
  return index === CONTROL
    ? pathAt(controlShape, x, y)
    : shapePath(index + Math.floor(index / COLOURS), x, y);
}

/** Dashes of a series' line, from the second round of the colours on. */
export function dashOf(index: number): string | null {
  return [null, '5 3', '1.5 3'][Math.max(0, Math.min(Math.floor(index / COLOURS), 2))]!;
}
