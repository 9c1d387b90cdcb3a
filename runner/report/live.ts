/**
 * What a page needs to run a language model and an SAE in the reader's browser: `content/live/<run>/<record>.json` names
 * files beside it, by their content hash. Or why there is no such page.
 */
import { z } from 'zod';

export const liveVersion = 'interpboard/live-1';

/** Beyond any budget: what a browser's 32-bit memory holds. */
const MOST_BYTES = 2 ** 31;
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.strictObject({ sha256, bytes: z.int().positive().max(MOST_BYTES) });
export type LiveFile = z.infer<typeof file>;
const width = z.int().positive().max(16_777_216);

const livePage = z.strictObject({
  schema: z.literal(liveVersion),
  /** Content hash of the SAE. */
  sha256,
  /** ids -> residual at the hook; residual -> logits; x -> values and indices; those -> reconstruction. */
  programs: z.strictObject({ before: file, after: file, encode: file, decode: file }),
  /** Weight files of the model, by the names that its programs know them by. */
  weights: z
    .array(
      file.extend({
        path: z
          .string()
          .max(300)
          .regex(/^[\w.-]+(?:\/[\w.-]+)*$/)
          .refine((path) => !path.split('/').includes('..')),
      }),
    )
    .max(64),
  tokenizer: file,
  shape: z.strictObject({
    d_in: width,
    d_sae: width,
    vocabulary: width,
    /** Slots of a token, of a topk SAE; null where each text has its own number. */
    k: width.nullable(),
    /** Whether decoding takes what was encoded as well. */
    decode_takes_input: z.boolean(),
    /** Longest text, in tokens. */
    tokens: z.int().positive().max(4_096),
  }),
});
export type LivePage = z.infer<typeof livePage>;

const noLivePage = z.strictObject({
  schema: z.literal(liveVersion),
  sha256,
  /** Why the SAE has no live page. */
  none: z.string().min(1).max(500),
});

export const live = z.union([livePage, noLivePage]);
export type Live = z.infer<typeof live>;

/** Every file that a page loads besides the runtime. */
export function filesOfLive({ programs, weights, tokenizer }: LivePage): LiveFile[] {
  return [...Object.values(programs), ...weights, tokenizer];
}
