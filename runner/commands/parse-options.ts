import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { quote, UserError } from '../errors.ts';

/** Words that a verb takes besides its options. */
export interface Words {
  /** None of them by default. */
  least?: number;
  most: number;
  expected: string;
}

const NO_WORDS: Words = { most: 0, expected: 'options alone' };

/**
 * The options of a verb as they were given, and its other words as `positionals`; who asks for help need not give any.
 *
 * @throws UserError for an option that it does not have, or without its value, and for fewer or more words than it takes
 */
export function parseOptions<const Options extends ParseArgsOptionsConfig>(
  verb: string,
  args: readonly string[],
  options: Options,
  words = NO_WORDS,
) {
  const parsed = parsedArguments(verb, args, options);
  const { positionals } = parsed;
  const { least = 0, most } = 'help' in parsed.values ? { most: words.most } : words;
  if (positionals.length >= least && positionals.length <= most) return parsed;
  throw new UserError({
    thing: `arguments of ${verb}`,
    found: positionals.map(quote).join(' ') || 'none',
    expected: words.expected,
    next: `Run npx interpboard ${verb} --help.`,
  });
}

/** For a verb that takes any number of words. */
export const ANY_WORDS: Words = { most: Number.POSITIVE_INFINITY, expected: '' };

function parsedArguments<const Options extends ParseArgsOptionsConfig>(
  verb: string,
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UserError({
      thing: `options of ${verb}`,
      // What Node says further is of words that begin with a dash.
      found: (error instanceof Error ? error.message : String(error)).split('. To specify')[0]!,
      expected: 'those that --help lists',
      next: `Run npx interpboard ${verb} --help.`,
    });
  }
}

/**
 * @param needs of options that do something only beside another one: whether that is there, and what it is
 * @throws UserError for one that is given and does nothing
 */
export function refuseIdleOptions<const Name extends string>(
  values: Readonly<
    Partial<Record<NoInfer<Name>, string | boolean | readonly (string | boolean)[] | undefined>>
  >,
  needs: readonly (readonly [option: Name, isThere: boolean, needed: string])[],
): void {
  for (const [option, isThere, needed] of needs) {
    const value = values[option];
    if (value === undefined || isThere) continue;
    throw new UserError({
      thing: `--${option}`,
      found: [value]
        .flat()
        .map((each) => quote(String(each)))
        .join(', '),
      expected: `none: it does nothing without ${needed}`,
      next: 'Leave it out, or add what it belongs to.',
    });
  }
}

/** Options as words that say them again, in the order of the object; those that are not given are left out. */
export function optionWords(
  values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>,
): string[] {
  return Object.entries(values).flatMap(([option, value]) =>
    [value ?? []].flat().flatMap((each) => {
      if (typeof each === 'string') return [`--${option}=${each}`];
      return each ? [`--${option}`] : [];
    }),
  );
}
