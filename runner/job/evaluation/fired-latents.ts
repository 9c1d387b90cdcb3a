/** Which latents fired on the evaluation text, kept in the run's folder until its decoders are compared. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError } from '../../errors.ts';
import { writeJsonAtomic } from '../../io/write-atomic.ts';

export const FIRED_FILE = 'fired.json';

const firedSchema = z.strictObject({
  /** Tokens of the evaluation. */
  window_tokens: z.int().nonnegative(),
  /** By the SAE's name in the run: a bit a latent, the lowest of each byte first, in base64. */
  saes: z.record(z.string(), z.strictObject({ d_sae: z.int().positive(), bits: z.base64() })),
});

export interface FiredLatents {
  window_tokens: number;
  /** By the SAE's name in the run: 1 for each latent that fired, [d_sae]. */
  saes: ReadonlyMap<string, Uint8Array>;
}

export async function writeFired(folder: string, { window_tokens, saes }: FiredLatents): Promise<void> {
  const packed = [...saes].map(([id, fired]) => {
    const bits = new Uint8Array(Math.ceil(fired.length / 8));
    for (const [latent, each] of fired.entries()) bits[latent >> 3]! |= (each === 0 ? 0 : 1) << (latent & 7);
    return [id, { d_sae: fired.length, bits: Buffer.from(bits).toString('base64') }];
  });
  await writeJsonAtomic(join(folder, FIRED_FILE), { window_tokens, saes: Object.fromEntries(packed) });
}

/** @throws MalformedError when the file is missing or not one of these */
export async function readFired(folder: string): Promise<FiredLatents> {
  const path = join(folder, FIRED_FILE);
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    raw = undefined;
  }
  const parsed = firedSchema.safeParse(raw);
  const short =
    parsed.data &&
    Object.values(parsed.data.saes).some(({ d_sae, bits }) => bytesOf(bits).length !== Math.ceil(d_sae / 8));
  if (!parsed.success || short)
    throw new MalformedError({
      thing: path,
      found: parsed.success
        ? 'fewer bits than latents'
        : (parsed.error.issues[0]?.message ?? 'another shape'),
      expected: 'the latents that fired on the run’s evaluation text',
      next: 'Start the run over with --fresh.',
    });
  const { window_tokens, saes } = parsed.data;
  const entries = Object.entries(saes).map(([id, { d_sae, bits }]): [string, Uint8Array] => {
    const bytes = bytesOf(bits);
    return [id, Uint8Array.from({ length: d_sae }, (_, latent) => (bytes[latent >> 3]! >> (latent & 7)) & 1)];
  });
  return { window_tokens, saes: new Map(entries) };
}

function bytesOf(bits: string): Uint8Array {
  return Buffer.from(bits, 'base64');
}

export async function forgetFired(folder: string): Promise<void> {
  await rm(join(folder, FIRED_FILE), { force: true });
}
