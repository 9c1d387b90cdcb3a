/** How the SAEs of a release were trained: what they have in common once, and where they differ. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import type { Fact } from './facts.ts';
import { formatCount, formatNumber } from './format.ts';
import { layerText } from './hook-words.ts';
import { architectureNames } from './kinds.ts';
import { settingLabel, settingText } from './setting-words.ts';

export interface Recipe {
  common: Fact[];
  /** A row per setting, a value for each record. */
  differing: { name: string; values: (string | null)[] }[];
}

type Setting = readonly [label: string, read: (entry: EvaluationRecord) => string | null];

const count = (value: number | null): string | null => (value === null ? null : formatCount(value));

/** What every record has, whoever made it. */
const facts: readonly Setting[] = [
  ['Language model', ({ model }) => model.id],
  ['Blocks of the model', ({ model }) => count(model.blocks)],
  ['Width of the hook (d_in)', ({ sae }) => count(sae.d_in)],
  ['Type of the model’s weights', ({ model }) => model.dtype],
  ['Architecture', ({ sae }) => architectureNames[sae.architecture]],
  ['Layer', ({ sae }) => layerText(sae)],
  ['Hook', ({ sae }) => sae.hook],
  ['Hook that it reads', ({ sae }) => sae.reads ?? null],
  ['Latents (d_sae)', ({ sae }) => count(sae.d_sae)],
  ['Latents for each dimension', expansion],
  ['Latents kept per token (k)', ({ sae }) => count(sae.k)],
  ['Tokens each was trained on', ({ sae }) => count(sae.tokens_trained)],
  ['Licence', ({ sae }) => sae.license],
  ['Device', ({ provenance }) => provenance.device],
];

function expansion({ sae }: EvaluationRecord): string | null {
  if (sae.d_in === null) return null;
  const dimensions = sae.d_in * (sae.layers ?? 1);
  return formatNumber(sae.d_sae / dimensions, sae.d_sae % dimensions === 0 ? 0 : 1);
}

/** Said above already. */
const repeated = ['dSae', 'k'];

export function recipeOf(records: readonly EvaluationRecord[]): Recipe {
  const names = [...new Set(records.flatMap(({ sae }) => Object.keys(sae.training ?? {})))];
  const trained: Setting[] = names
    .filter((name) => !repeated.includes(name))
    .map((name) => [
      settingLabel(name),
      ({ sae }) => {
        const value = sae.training?.[name];
        return value === undefined || value === null ? null : settingText(value);
      },
    ]);
  const common: Fact[] = [];
  const differing: Recipe['differing'] = [];
  for (const [name, read] of [...facts, ...trained]) {
    const values = records.map(read);
    if (values.every((value) => value === null)) continue;
    if (new Set(values).size === 1) common.push({ name, value: values[0]! });
    else differing.push({ name, values });
  }
  return { common, differing };
}
