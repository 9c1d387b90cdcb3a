/**
 * A table of published figures: many SAEs that share model, hook, text and source, a row each. In content/ it is one
 * file in place of hundreds; read, each row is a record like any other, which names the table it is from.
 */
import { z } from 'zod';
import { type DefinitionId, definitionIds } from './definitions.ts';
import { count, type Measure, name, text } from './measure.ts';
import { type EvaluationRecord, record, recordObject, schemaVersion } from './schema.ts';
import { ownerOf } from './suites/find.ts';

export const tableVersion = 'interpboard.table/1';

const { id, kind, model, sae, data, provenance, caveats } = recordObject.shape;
const saeShape = sae.shape;

const column = z.strictObject({
  definition: z.enum(definitionIds),
  /** Tokens over which the values were taken. */
  window_tokens: count.optional(),
  note: text.optional(),
});

const row = z.strictObject({
  /** Ends the record's id, after the table's. */
  key: id,
  name,
  architecture: saeShape.architecture,
  variant: saeShape.variant,
  member: name,
  k: saeShape.k,
  /** In the order of the columns. */
  values: z.array(z.number().nullable()),
});

export const recordTable = z
  .strictObject({
    schema: z.literal(tableVersion),
    id,
    title: name,
    about: text,
    kind,
    model,
    /** What the SAEs of all rows have in common. */
    sae: sae.omit({ name: true, architecture: true, variant: true, k: true, origin: true }),
    data,
    provenance: provenance.omit({ table: true }),
    caveats,
    /** Why no value has an interval. */
    interval_note: text.min(1),
    columns: z.array(column).min(1).max(100),
    rows: z.array(row).min(1).max(10_000),
  })
  .superRefine(({ columns, rows }, context) => {
    for (const [i, { values }] of rows.entries()) {
      if (values.length === columns.length) continue;
      const message = `expected ${columns.length} values, one per column, received ${values.length}`;
      context.addIssue({ code: 'custom', path: ['rows', i, 'values'], message });
    }
  });

export type RecordTable = z.infer<typeof recordTable>;

/** The records of a table's rows, in their order, each held to the schema. */
export function recordsOf(table: RecordTable): z.ZodSafeParseResult<EvaluationRecord>[] {
  const { title: _, about, rows, columns, interval_note, ...shared } = table;
  return rows.map(({ key, name: saeName, architecture, variant, member, k, values }) => {
    const metrics: Record<string, Measure> = {};
    const suites: EvaluationRecord['suites'] = {};
    columns.forEach(({ definition, ...words }, i) => {
      const value = values[i] ?? null;
      const measure: Measure =
        value === null
          ? { value, reason: 'The table gives none.' }
          : { value, interval: null, interval_note, ...words };
      measuresIn(definition, metrics, suites)[definition] = measure;
    });
    return record.safeParse({
      schema: schemaVersion,
      id: `${table.id}-${key}`,
      kind: shared.kind,
      model: shared.model,
      sae: {
        ...shared.sae,
        name: saeName,
        architecture,
        ...(variant === undefined ? {} : { variant }),
        k,
        origin: { release: shared.sae.repo, member, step: null, config_sha256: null },
      },
      data: shared.data,
      metrics,
      suites,
      curves: { alive: [], density: null },
      trajectory: null,
      provenance: { ...shared.provenance, table: table.id },
      caveats: shared.caveats,
    } satisfies EvaluationRecord);
  });
}

function measuresIn(
  definition: DefinitionId,
  metrics: Record<string, Measure>,
  suites: EvaluationRecord['suites'],
): Record<string, Measure> {
  const owner = ownerOf(definition);
  if (owner === null) return metrics;
  suites[owner] ??= { measures: {} };
  suites[owner].measures ??= {};
  return suites[owner].measures;
}
