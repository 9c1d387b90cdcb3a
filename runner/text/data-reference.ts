/** Data files that a setting names: a path of this machine or a reference to the hub, which a run pins before it starts. */
import { z } from 'zod';

export interface DataReference {
  /** As in `./folder/*.csv` or `datasets/owner/name@revision:folder`; a run names the commit. */
  data: string;
  /** The reference as it was written, and a hash of local files; a run fills them in. */
  given?: string | undefined;
  fingerprint?: string | undefined;
}

/** Written as the reference alone. */
export const dataReference: z.ZodType<DataReference> = z.preprocess(
  (value) => (typeof value === 'string' ? { data: value } : value),
  z.strictObject({
    data: z
      .string()
      .min(1)
      .max(1_000)
      .describe('path of this machine, or datasets/owner/name[@revision][:folder] on the hub'),
    given: z.string().max(1_000).optional().describe('the reference as it was written; a run fills it in'),
    fingerprint: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional()
      .describe('hash of the names, sizes and ends of local files; a run fills it in'),
  }),
);

/** Whether a setting of a suite is one. */
export function isDataReference(value: unknown): value is DataReference {
  return dataReference.safeParse(value).success && typeof value === 'object';
}

/** A file in the folder or repository that a pinned reference names. */
export function fileIn({ data, fingerprint }: DataReference, name: string): string {
  const folder = data.replace(/[\\/]+$/, '');
  // A local one has a fingerprint; one of the hub has its path after a colon.
  return fingerprint !== undefined || folder.includes(':') ? `${folder}/${name}` : `${folder}:${name}`;
}
