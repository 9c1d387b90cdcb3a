import { quote, UserError } from '../errors.ts';

/** Beyond any count that is asked for. */
const BEYOND = 2 ** 32;

/**
 * A whole number that an option is given.
 *
 * @param verb whose --help is named
 * @throws UserError
 */
export function wholeNumber(
  verb: string,
  option: string,
  text: string | undefined,
  { least = 1, most = BEYOND }: { least?: number; most?: number } = {},
): number {
  if (text !== undefined && /^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most)
    return Number(text);
  throw new UserError({
    thing: option,
    found: text === undefined ? 'nothing' : quote(text),
    expected: `a whole number from ${least} ${most === BEYOND ? 'on' : `to ${most.toLocaleString('en')}`}`,
    next: `Run npx interpboard ${verb} --help.`,
  });
}
