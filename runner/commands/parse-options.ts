import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { UserError } from '../errors.ts';

/**
 * The words of a verb, by its options; words that are none are positionals.
 *
 * @throws UserError for an option that it does not have, or without its value
 */
export function parseOptions<const Options extends ParseArgsOptionsConfig>(
  verb: string,
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UserError({
      thing: `options of ${verb}`,
      found: error instanceof Error ? error.message : String(error),
      expected: 'those that --help lists',
      next: `Run npx interpboard ${verb} --help.`,
    });
  }
}
