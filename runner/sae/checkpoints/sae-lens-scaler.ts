/**
 * What SAELens' trainer saves beside an SAE that is still in training: how its inputs are brought to the scale that it is trained
 * at, which it folds into the weights when training ends. `activation_scaler.json` has the scalar of expected_average_only_in,
 * `activation_whitening.safetensors` (`unwhitened`) what covariance_whitening does.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readConfig } from './loaded.ts';

export const scalerFiles = {
  scaler: 'activation_scaler.json',
  whitening: 'activation_whitening.safetensors',
} as const;

const scalerSchema = z.looseObject({ scaling_factor: z.number().positive().nullable() });

/** Of these files the one that the SAE is read with, if it is there: what it computes depends on it too. */
export function scalingFiles(
  folder: string,
  normalize_activations: string,
  normScale: number | undefined,
): string[] {
  const name =
    normalize_activations === 'covariance_whitening'
      ? scalerFiles.whitening
      : normalize_activations === 'expected_average_only_in' && normScale === undefined
        ? scalerFiles.scaler
        : null;
  const path = name === null ? null : join(folder, name);
  return path !== null && existsSync(path) ? [path] : [];
}

/** The scalar that stands beside an SAE; null where none does. */
export async function savedScale(folder: string): Promise<number | null> {
  const path = join(folder, scalerFiles.scaler);
  if (!existsSync(path)) return null;
  return (await readConfig(path, scalerSchema, 'SAELens’ activation scaler')).scaling_factor;
}
