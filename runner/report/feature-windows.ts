/** Random stretches of the text beside the evidence of latents (`windows.json`), and which of the latents fire in each. */
import { z } from 'zod';

export const windowsVersion = 'interpboard/features-windows-1';

/** Most windows; a latent names places among them. */
const MOST_WINDOWS = 1_000;
const id = z.int().nonnegative().max(16_777_216);
const place = z
  .int()
  .nonnegative()
  .max(MOST_WINDOWS - 1);

export const featureWindows = z
  .strictObject({
    schema: z.literal(windowsVersion),
    /** Content hash of the SAE. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    windows: z
      .array(
        z.strictObject({
          row: z.int().nonnegative(),
          start: z.int().nonnegative(),
          ids: z.array(id).max(1_024),
        }),
      )
      .max(MOST_WINDOWS),
    /** Latents with evidence, by number: the windows that they fire in. */
    fires: z.record(z.string().regex(/^\d{1,8}$/), z.array(place).max(MOST_WINDOWS)),
    /** Texts of the tokens of the windows, by id. */
    tokens: z.record(z.string().regex(/^\d{1,8}$/), z.string().max(1_000)),
  })
  .refine(
    ({ windows, fires }) =>
      Object.values(fires).every((places) => places.every((each) => each < windows.length)),
    'expected places of windows that are there',
  );
export type FeatureWindows = z.infer<typeof featureWindows>;
