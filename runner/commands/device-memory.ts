/** What a device has: said in bytes, by the name of a card, or by its driver. */
import { UserError } from '../errors.ts';
import { parseBytes } from '../io/bytes.ts';
import { deviceFacts } from '../onnx/device-facts.ts';
import { type Device, providerOf } from '../onnx/devices.ts';

const MIB = 2 ** 20;

/** Bytes that nvidia-smi says a card has. */
export const cards: Readonly<Record<string, number>> = {
  'a100-40gb': 40_960 * MIB,
  'a100-80gb': 81_920 * MIB,
  h100: 81_559 * MIB,
  h200: 143_771 * MIB,
  l40s: 46_068 * MIB,
  'rtx-4090': 24_564 * MIB,
  'rtx-5090': 32_607 * MIB,
  'rtx-pro-6000': 97_887 * MIB,
};

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
