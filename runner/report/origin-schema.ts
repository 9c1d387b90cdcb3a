/** Of a record, where an SAE comes from as far as files of others say it: with model, hook and sizes this tells two SAEs apart. */
import { z } from 'zod';
import { count, text } from './measure.ts';

export const saeOrigin = z.strictObject({
  /** A release of a registry, a repository, or the folder of a sweep. */
  release: text.nullable(),
  /** Which of its SAEs: an id, a path, or a trainer's folder. */
  member: text.nullable(),
  /** Training step. */
  step: count.nullable(),
  /** SHA-256 of the training settings that lie beside the results. */
  config_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

export type SaeOrigin = z.infer<typeof saeOrigin>;
