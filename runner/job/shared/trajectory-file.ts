import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError } from '../../errors.ts';
import { sites } from '../../hook.ts';
import { trajectoryPoint } from '../../report/schema.ts';

const trajectorySchema = z.strictObject({
  layer: z.int().nonnegative(),
  /** Of a hook elsewhere than in the residual stream after the block. */
  site: z.enum(sites).optional(),
  /** Tokens trained on in all. */
  tokens: z.int().nonnegative(),
  points: z.array(trajectoryPoint),
  /** What the token policy did over the run: tokens left out, and norms scaled down (over all hooks). */
  policy: z.strictObject({ dropped: z.int().nonnegative(), capped: z.int().nonnegative() }),
  /** Rows of the training text that were passed over because they are broken; runs of earlier versions do not say. */
  brokenRows: z.int().nonnegative().optional(),
  /** Where activations were between the language model and the SAEs; absent where the CPU computed all. */
  activations: z.string().max(300).optional(),
});

export type Trajectory = z.infer<typeof trajectorySchema>;

/** Beside each SAE of a run lies what its training logged. */
export function trajectoryFile(id: string): string {
  return `trajectory_${id}.json`;
}

/** @throws MalformedError when the file is missing or not a trajectory */
export async function readTrajectory(folder: string, id: string): Promise<Trajectory> {
  const path = join(folder, trajectoryFile(id));
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    raw = undefined;
  }
  const parsed = trajectorySchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new MalformedError({
    thing: path,
    found: parsed.error.issues[0]?.message ?? 'another shape',
    expected: 'the trajectory of a trained SAE',
    next: 'Start the run over with --fresh.',
  });
}
