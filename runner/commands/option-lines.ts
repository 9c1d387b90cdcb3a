/** The options of a verb as `--help` lists them: names in one column, words in the next. */
export function optionLines(
  options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly help: string }>>,
): string[] {
  const names = Object.entries(options).map(
    ([name, { type }]) => `  --${name}${type === 'string' ? ' …' : ''}`,
  );
  const width = Math.max(...names.map((name) => name.length)) + 2;
  return Object.values(options).map(({ help }, i) => names[i]!.padEnd(width) + help);
}
