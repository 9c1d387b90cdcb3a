/** What a device has: said in bytes, by the name of a card, or by its driver. */
import { UserError } from '../errors.ts';
import { parseBytes } from '../io/bytes.ts';
import { deviceFacts } from '../onnx/device-facts.ts';
import { type Device, providerOf } from '../onnx/devices.ts';
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
  if (devices.every((device) => device === 'cpu')) return null;
  if (said !== undefined) {
    const named = cards[said.toLowerCase()];
    if (named !== undefined) return named;
    if (/^\d/.test(said)) return parseBytes('--device-memory', said);
    throw new UserError({
      thing: '--device-memory',
      found: said,
      expected: `a size as 96GiB, or one of ${Object.keys(cards).join(', ')}`,
      next: 'Run npx interpboard plan --help.',
    });
  }
  let least: number | null = null;
  for (const device of devices) {
    if (providerOf(device) !== 'cuda') return null;
    const memory = await deviceFacts(device).then(
      (facts) => facts.memory,
      () => null,
    );
    if (memory === null) return null;
    least = Math.min(least ?? memory.free, memory.free);
  }
  return least;
}
