/** Evaluations of which a file holds single numbers alone. */
import type { DefinitionId } from '../../report/definitions.ts';
import type { Measure } from '../../report/schema.ts';
import { imported } from '../imported.ts';
import { type Read, resultsOf, type SaeBenchFormat, type Values } from './format.ts';

/** Values whose name in the file has a definition here; those without are named. */
export function readFlat(
  values: Values,
  definitions: Readonly<Record<string, DefinitionId>>,
  { caveats = [], extra = {} }: { caveats?: string[]; extra?: Partial<Record<DefinitionId, Measure>> } = {},
): Read {
  const table: Partial<Record<DefinitionId, Measure>> = {};
  const unmapped: string[] = [];
  for (const [path, value] of values) {
    const id = Object.hasOwn(definitions, path) ? definitions[path] : undefined;
    if (id === undefined) unmapped.push(path);
    else table[id] = imported(value);
  }
  return { results: resultsOf({ ...table, ...extra }), unmapped, caveats };
}

function flat(
  types: SaeBenchFormat['types'],
  definitions: Readonly<Record<string, DefinitionId>>,
): SaeBenchFormat {
  return { types, read: ({ values }) => readFlat(values, definitions) };
}

export const autointerp = flat(['autointerp'], { autointerp_score: 'autointerp@saebench' });

export const ravel = flat(['ravel'], {
  disentanglement_score: 'ravel_disentanglement@saebench',
  cause_score: 'ravel_cause@saebench',
  isolation_score: 'ravel_isolation@saebench',
});

export const unlearning = flat(['unlearning'], { unlearning_score: 'unlearning@saebench' });
