/** Records of SAEs that were still being trained: they are drawn along training, and not ranked. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';

type LightCheckpoint = NonNullable<NonNullable<EvaluationRecord['sae']['source']>['light_checkpoint']>;

/** Whose SAE it is of and after which step; null for a finished SAE. */
export function lightCheckpointOf({ sae }: EvaluationRecord): LightCheckpoint | null {
  return sae.source?.light_checkpoint ?? null;
}

/** Whether a record is of an SAE that was still being trained. */
export function isLightCheckpoint(entry: EvaluationRecord): boolean {
  return lightCheckpointOf(entry) !== null;
}

/** The finished SAE that a light checkpoint became. */
export function finishedOf(
  checkpoint: EvaluationRecord,
  finished: readonly EvaluationRecord[],
): EvaluationRecord | undefined {
  const light = lightCheckpointOf(checkpoint);
  if (light === null) return undefined;
  const id = `${light.of}-${light.id.toLowerCase().replaceAll('_', '-')}`;
  return (
    finished.find((entry) => entry.id === id) ??
    finished.find(({ sae }) => sae.repo === light.of && sae.layer === checkpoint.sae.layer)
  );
}
