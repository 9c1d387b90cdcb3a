/** What a device has: said in bytes, by the name of a card, or by its driver. */
import { quote, UnavailableError, UserError } from '../errors.ts';
import { parseBytes } from '../io/bytes.ts';
import { freeMemory } from '../onnx/device-facts.ts';
import { type Device, providerOf } from '../onnx/devices.ts';
import { cards } from './cards.ts';

/**
 * @param said as --device-memory says it; without it the driver is asked
 * @returns null where a device uses the host's memory, where they are of several kinds, and where it is not known
 * @throws UserError for a size or name that is none
 */
export async function deviceMemory(
  said: string | undefined,
  devices: readonly Device[],
): Promise<number | null> {
  const bytes = said === undefined ? null : bytesSaid(said);
  // Of several kinds, as of the CPU, the host's memory is counted for all.
  if (devices.includes('cpu') || new Set(devices.map(providerOf)).size > 1) {
    if (said === undefined) return null;
    throw new UserError({
      thing: '--device-memory',
      found: `${quote(said)} for a run on ${devices.length === 1 ? 'the CPU' : devices.join(', ')}`,
      expected: 'devices of one kind, with memory of their own, as --device cuda:0',
      next: 'Say such devices too, or the host’s share with --memory.',
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
