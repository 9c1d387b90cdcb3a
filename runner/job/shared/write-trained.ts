import { join } from 'node:path';
import type { RunConfig } from '../../config/run-config.ts';
import { writeJsonAtomic } from '../../io/write-atomic.ts';
import { type ReleaseType, writeRelease } from '../../sae/checkpoints/reference-release.ts';
import { applies } from '../../train/architectures/index.ts';
import type { TrainedSae } from '../../train/trainer.ts';
import { residualHook } from '../evaluation/record.ts';
import type { Trained } from './trained.ts';
import { type Trajectory, trajectoryFile } from './trajectory-file.ts';

/** Writes one SAE, trained or on its way, in the layout of the reference release; returns the files' names. */
export function writeTrainedSae(
  folder: string,
  config: RunConfig,
  { plan, sae, steps, tokens }: TrainedSae,
  type: ReleaseType = 'F32',
): Promise<{ tensors: string; config: string }> {
  const { architecture, kAux, alphaAux } = plan.recipe;
  const details = {
    ...(applies('kAux', architecture) ? { k_aux: kAux, alpha_aux: alphaAux } : {}),
    hook_name: residualHook(plan.layer),
    model_name: config.model.id,
    tokens_seen: tokens,
    step: steps,
  };
  return writeRelease(folder, plan.id, { sae, details }, type);
}

/** Writes all SAEs of a run and their trajectories into its folder. */
export async function writeTrained(
  folder: string,
  config: RunConfig,
  { saes, policy }: Trained,
): Promise<void> {
  for (const trained of saes) {
    await writeTrainedSae(folder, config, trained);
    const { plan, tokens, trajectory } = trained;
    const points: Trajectory = { layer: plan.layer, tokens, points: trajectory, policy };
    await writeJsonAtomic(join(folder, trajectoryFile(plan.id)), points);
  }
}
