/** Synthetic models by name: each a configuration beside this file. */

export const syntheticFolder = new URL('./', import.meta.url);

export const syntheticModels = ['synthetic-small', 'synth-sae-bench-16k'] as const;
