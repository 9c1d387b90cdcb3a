/** Whether an SAE of the registry can be evaluated here, as far as its names say. */
import { refusedLoaders } from '../sae/checkpoints/refused.ts';
import type { RegistryEntry } from '../sae/published/registry.ts';

/** Names of models of the families that are run. */
const known = [
  ...[/gpt-oss/, /gpt2/, /pythia/, /tinystories/],
  ...[/gemma-[34]/, /gemma-2-/, /gemma-\d+b/],
  ...[/llama/, /mixtral/, /mistral-7b/],
  ...[/qwen-?3/, /qwen-?2/],
];

/** Null where nothing that its names say stands in the way; else what does, in a few words. */
export function obstacle({
  format,
  loader,
  hook,
  model,
}: Pick<RegistryEntry, 'format' | 'loader' | 'hook' | 'model'>): string | null {
  if (format === null) return refusedLoaders[loader]?.found ?? `files of the loader ${loader} are not read`;
  if (hook === null) return 'its names say no hook that is known here';
  if (known.some((pattern) => pattern.test(model.toLowerCase()))) return null;
  return `${model} is of no family known by its name`;
}

export interface RegistryShare {
  entries: number;
  evaluated: number;
  /** By what stands in their way, the most frequent first. */
  left: readonly (readonly [reason: string, count: number])[];
}

export function shareOf(entries: readonly RegistryEntry[]): RegistryShare {
  const left = new Map<string, number>();
  for (const entry of entries) {
    const reason = obstacle(entry);
    if (reason !== null) left.set(reason, (left.get(reason) ?? 0) + 1);
  }
  const counts = [...left].sort(([, a], [, b]) => b - a);
  const evaluated = entries.length - counts.reduce((sum, [, count]) => sum + count, 0);
  return { entries: entries.length, evaluated, left: counts };
}
