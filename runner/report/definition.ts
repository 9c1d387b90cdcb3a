/** What a definition says of a number: the words of the methodology page, and what a table or chart needs of it. */

export type Direction = 'higher' | 'lower' | 'neutral';

export interface Definition {
  /** What is measured, without the version: the column a value stands in. */
  metric: string;
  /** Whose values stand together with it: a suite's title, or what the statistics of every run are about. */
  group: string;
  title: string;
  /** Shortest label a table column can carry. */
  short: string;
  formula: string;
  note: string;
  /** '', nats, latents, tokens, activation², or what a user's suite counts in. */
  unit: string;
  direction: Direction;
  /** Digits after the point when printed. */
  digits: number;
  /** Range the value must lie in, both ends included; null where there is no bound. */
  range: readonly [number | null, number | null];
  /** What a reader must be told beside every value of it. */
  warning?: string | undefined;
  /** SAEs are listed and ranked by it; what it is the weighted sum of, its suite's views say (headline.ts). */
  headline?: true;
}

/** A table of definitions as it stands beside what it belongs to, without the name of its group. */
export function grouped<const T extends Record<string, Omit<Definition, 'group'>>>(
  group: string,
  table: T,
): { readonly [Id in keyof T]: Definition } {
  const entries = Object.entries(table).map(([id, definition]) => [id, { group, ...definition }]);
  return Object.fromEntries(entries) as { readonly [Id in keyof T]: Definition };
}
