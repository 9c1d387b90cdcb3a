import { join } from 'node:path';
import { readHook } from '../../hook.ts';
import { writeJsonAtomic } from '../../io/write-atomic.ts';
import { type ReleaseType, writeRelease } from '../../sae/checkpoints/reference-release.ts';
import { hookPath } from '../../sae/published/hook-names.ts';
import { applies } from '../../train/architectures/index.ts';
import type { PolicyCounts } from '../../train/token-policy.ts';
import type { TrainedSae } from '../../train/trainer.ts';
import { type Trajectory, trajectoryFile } from './trajectory-file.ts';

/** What training makes. */
export interface Trained {
  saes: TrainedSae[];
  /** What the token policy did. */
  policy: PolicyCounts;
  /** Rows of the text that were passed over because they are broken. */
  brokenRows: number;
  /** Where activations were between the language model and the SAEs; null where the CPU computed all. */
  activations: string | null;
}

/**
 * Writes one SAE, trained or on its way, in the layout of the reference release; returns the files' names.
 *
 * @param model name of the language model
 */
export function writeTrainedSae(
  folder: string,
  model: string,
  { plan, sae, steps, tokens }: TrainedSae,
  type: ReleaseType = 'F32',
): Promise<{ tensors: string; config: string }> {
  const { architecture, kAux, alphaAux } = plan.recipe;
  const details = {
    ...(applies('kAux', architecture) ? { k_aux: kAux, alpha_aux: alphaAux } : {}),
    hook_name: hookPath(readHook(plan.hook)),
    ...(plan.hook.reads && { hook_name_out: hookPath(plan.hook) }),
    model_name: model,
    tokens_seen: tokens,
    step: steps,
  };
  return writeRelease(folder, plan.id, { sae, details }, type);
}

/** Writes all SAEs of a run and their trajectories into its folder. */
export async function writeTrained(
  folder: string,
  model: string,
  { saes, policy, brokenRows, activations }: Trained,
): Promise<void> {
  for (const trained of saes) {
    await writeTrainedSae(folder, model, trained);
    const { plan, tokens, trajectory } = trained;
    const { layer, site } = plan.hook;
    const points: Trajectory = {
      layer,
      ...(site === 'resid_post' ? {} : { site }),
      tokens,
      points: trajectory,
      policy,
      brokenRows,
      ...(activations === null ? {} : { activations }),
    };
    await writeJsonAtomic(join(folder, trajectoryFile(plan.id)), points);
  }
}
