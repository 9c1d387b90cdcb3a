/** Whether an SAE of the registry can be evaluated here, as far as its names say. */
import { families } from '../lm/families/index.ts';
import { refusedLoaders } from '../sae/checkpoints/refused.ts';
import type { RegistryEntry } from '../sae/published/registry.ts';

/** Types of models by their names, the first that fits: what `model_type` of their config.json is. */
const typeOfName: readonly (readonly [pattern: RegExp, type: string])[] = [
  [/gpt-oss/, 'gpt_oss'],
  [/gpt2/, 'gpt2'],
  [/pythia/, 'gpt_neox'],
  [/tinystories/, 'gpt_neo'],
  [/gemma-3n/, 'gemma3n'],
  [/gemma-4/, 'gemma4'],
  [/gemma-3/, 'gemma3'],
  [/gemma-2-/, 'gemma2'],
  [/gemma-\d+b/, 'gemma'],
  [/llama/, 'llama'],
  [/mixtral/, 'mixtral'],
  [/mistral-7b/, 'mistral'],
  [/qwen-?3\.5.*-a\d+b/, 'qwen3_5_moe'],
  [/qwen-?3\.5/, 'qwen3_5'],
  [/qwen-?3.*-a\d+b/, 'qwen3_moe'],
  [/qwen-?3/, 'qwen3'],
  [/qwen-?2/, 'qwen2'],
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
  const type = typeOfName.find(([pattern]) => pattern.test(model.toLowerCase()))?.[1];
  if (type === undefined) return `${model} is of no family known by its name`;
  return Object.hasOwn(families, type) ? null : `language models of the type ${type} are not run`;
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
