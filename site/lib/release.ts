/** Which release a record belongs to, and which page shows it. Paths are from the site's root. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';

/**
 * Id of the run or published release: the table a record is a row of, the run that made it, the repository or registry
 * release of its SAE. Null where the record says none of these.
 */
export function releaseOf(entry: EvaluationRecord): string | null {
  const { sae, provenance } = entry;
  const named = provenance.table ?? runName(entry) ?? sae.repo ?? sae.origin?.release;
  return named == null ? null : slug(named);
}

/** Name of the run that measured an SAE; null of figures that others published, and where the record does not say. */
export function runName({ kind, provenance }: EvaluationRecord): string | null {
  const name = kind === 'measured' ? provenance.config?.name : undefined;
  return typeof name === 'string' ? name : null;
}

/** Rows of a table share their release's page; every other record has one of its own. */
export function recordPage(entry: EvaluationRecord): string {
  const { table } = entry.provenance;
  return table === undefined ? `sae/${entry.id}/` : `release/${slug(table)}/#${entry.id}`;
}

/** A name as part of an address. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
}
