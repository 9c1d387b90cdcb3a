import { UserError } from '../../errors.ts';
import type { LoadOptions, SaeAdapter } from './adapter.ts';

/** @throws UserError for an option that the format has its own word of */
export function checkTaken(
  path: string,
  { format, takes }: Pick<SaeAdapter, 'format' | 'takes'>,
  options: LoadOptions,
  ofAll: readonly string[],
): void {
  const taken: readonly string[] = [...ofAll, ...takes];
  const idle = Object.keys(options).find((option) => !taken.includes(option));
  if (idle === undefined) return;
  throw new UserError({
    thing: path,
    found: `#${idle}, of which the format ${format} has its own word`,
    expected: 'what its files do not say',
    next: `Leave #${idle} out.`,
  });
}
