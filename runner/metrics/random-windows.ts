/**
 * Stretches of text drawn at random, and which latents fire in each: what a latent does not fire on is as much a part of what it
 * means as what it fires on.
 */
import { random } from '../math/random.ts';
import type { EncodedRows } from './latent-evidence.ts';

export interface TextWindow {
  /** Number of the row in the text, and the row's token that the stretch begins with. */
  row: number;
  start: number;
}

export class RandomWindows {
  /** By row, one of a row at most. */
  readonly windows: readonly TextWindow[];
  readonly tokens: number;
  readonly #byRow: ReadonlyMap<number, number>;
  /** Of each window the latents that fire in it, ascending. */
  readonly #firing: Int32Array[] = [];
  #rows = 0;

  /**
   * @param text rows and tokens of a row
   * @param most windows, fewer where there are fewer rows
   * @param tokens of a window, fewer where rows are shorter
   */
  constructor(text: { rows: number; rowTokens: number }, most: number, tokens: number, seed: number) {
    const stream = random('random windows', seed);
    this.tokens = Math.min(tokens, text.rowTokens);
    const count = Math.min(most, text.rows);
    this.windows = Array.from({ length: count }, (_, i) => {
      const [from, to] = [i, i + 1].map((edge) => Math.floor((edge * text.rows) / count)) as [number, number];
      return {
        row: from + stream.integer(to - from),
        start: stream.integer(text.rowTokens - this.tokens + 1),
      };
    });
    this.#byRow = new Map(this.windows.map(({ row }, place) => [row, place]));
  }

  /** Rows come in the order of the text. */
  add({ rows, tokens, k, indices, values }: EncodedRows): void {
    for (let row = 0; row < rows; row++, this.#rows++) {
      const place = this.#byRow.get(this.#rows);
      if (place === undefined) continue;
      const from = (row * tokens + this.windows[place]!.start) * k;
      const firing = new Set<number>();
      for (let slot = from; slot < from + this.tokens * k; slot++)
        if (values[slot]! > 0) firing.add(indices[slot]!);
      this.#firing[place] = Int32Array.from(firing).sort();
    }
  }

  /** Places of the windows in which each latent fires, of those asked for. */
  firesIn(latents: readonly number[]): Map<number, number[]> {
    const found = new Map<number, number[]>(latents.map((latent) => [latent, []]));
    this.#firing.forEach((firing, place) => {
      for (const latent of firing) found.get(latent)?.push(place);
    });
    return found;
  }
}
