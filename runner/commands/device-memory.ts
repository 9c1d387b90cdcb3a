/** What a device has: said in bytes, by the name of a card, or by its driver. */
import { quote, UnavailableError, UserError } from '../errors.ts';
import { parseBytes } from '../io/bytes.ts';
import { freeMemory } from '../onnx/device-facts.ts';
import type { Device } from '../onnx/devices.ts';
import { cards } from './cards.ts';

/**
 * @param said as --device-memory says it; without it the driver is asked
 * @returns null where all devices use the host's memory, or it is not known
 * @throws UserError for a size or name that is none
 */
export async function deviceMemory(
  said: string | undefined,
  devices: readonly Device[],
): Promise<number | null> {
  const bytes = said === undefined ? null : bytesSaid(said);
  if (devices.every((device) => device === 'cpu')) {
    if (said === undefined) return null;
    throw new UserError({
      thing: '--device-memory',
      found: `${quote(said)} for a run on the CPU`,
      expected: 'a device with memory of its own, as --device cuda:0',
      next: 'Say the device too, or the CPU’s share with --memory.',
    });
  }
  if (bytes !== null) return bytes;
  return freeMemory(devices).catch((error: unknown) => {
    if (error instanceof UnavailableError) return null;
    throw error;
  });
}

function bytesSaid(said: string): number {
  const name = said.toLowerCase();
  if (Object.hasOwn(cards, name)) return cards[name]!;
  if (/^\d/.test(said)) return parseBytes('--device-memory', said);
  throw new UserError({
    thing: '--device-memory',
    found: quote(said),
    expected: `a size as 96GiB, or one of ${Object.keys(cards).join(', ')}`,
    next: 'Run npx interpboard plan --help.',
  });
}
