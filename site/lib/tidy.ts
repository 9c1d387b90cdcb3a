/**
 * All values of all records as one tidy table: a row for each value of each SAE, with its interval, its definition and
 * where it comes from. Pure; docs/data.md describes the columns.
 */
import { placeSite } from '../../runner/report/place-site.ts';
import type { EvaluationRecord, Measure } from '../../runner/report/schema.ts';
import { csvCell } from './csv.ts';
import { releaseOf } from './release.ts';
import { type Source, sourcesOf } from './sources.ts';

type Cell = string | number | null;

export interface TidyColumn {
  name: string;
  type: 'text' | 'integer' | 'number';
  /** In the order of the rows. */
  cells: Cell[];
}

interface Row {
  entry: EvaluationRecord;
  source: Source;
  measure: Measure;
}

const columns: readonly (Pick<TidyColumn, 'name' | 'type'> & { read: (row: Row) => Cell | undefined })[] = [
  { name: 'record', type: 'text', read: ({ entry }) => entry.id },
  { name: 'name', type: 'text', read: ({ entry }) => entry.sae.name },
  { name: 'kind', type: 'text', read: ({ entry }) => entry.kind },
  { name: 'release', type: 'text', read: ({ entry }) => releaseOf(entry) },
  { name: 'model', type: 'text', read: ({ entry }) => entry.model.id },
  { name: 'model_revision', type: 'text', read: ({ entry }) => entry.model.revision },
  { name: 'hook', type: 'text', read: ({ entry }) => entry.sae.hook },
  { name: 'site', type: 'text', read: ({ entry }) => placeSite(entry.sae) },
  { name: 'layer', type: 'integer', read: ({ entry }) => entry.sae.layer },
  { name: 'blocks', type: 'integer', read: ({ entry }) => entry.model.blocks },
  { name: 'architecture', type: 'text', read: ({ entry }) => entry.sae.architecture },
  { name: 'variant', type: 'text', read: ({ entry }) => entry.sae.variant },
  { name: 'd_in', type: 'integer', read: ({ entry }) => entry.sae.d_in },
  { name: 'd_sae', type: 'integer', read: ({ entry }) => entry.sae.d_sae },
  { name: 'k', type: 'integer', read: ({ entry }) => entry.sae.k },
  { name: 'tokens_trained', type: 'integer', read: ({ entry }) => entry.sae.tokens_trained },
  { name: 'sae_sha256', type: 'text', read: ({ entry }) => entry.sae.sha256 },
  { name: 'text', type: 'text', read: ({ entry }) => entry.data?.name },
  { name: 'text_tokens', type: 'integer', read: ({ entry }) => entry.data?.tokens },
  { name: 'definition', type: 'text', read: ({ source }) => source.definition },
  { name: 'metric', type: 'text', read: ({ source }) => source.meaning.metric },
  { name: 'x', type: 'text', read: ({ source }) => source.place?.x },
  { name: 'at', type: 'number', read: ({ source }) => source.place?.at },
  { name: 'value', type: 'number', read: ({ measure }) => measure.value },
  { name: 'low', type: 'number', read: ({ measure }) => intervalOf(measure)?.low },
  { name: 'high', type: 'number', read: ({ measure }) => intervalOf(measure)?.high },
  {
    name: 'interval_method',
    type: 'text',
    read: ({ measure }) => (intervalOf(measure) && measure.value !== null ? measure.method : null),
  },
  {
    name: 'reason',
    type: 'text',
    read: ({ measure }) => (measure.value === null ? measure.reason : measure.interval_note),
  },
  {
    name: 'window_tokens',
    type: 'integer',
    read: ({ measure }) => (measure.value === null ? null : measure.window_tokens),
  },
  { name: 'unit', type: 'text', read: ({ source }) => source.meaning.unit },
  { name: 'direction', type: 'text', read: ({ source }) => source.meaning.direction },
  { name: 'source', type: 'text', read: ({ entry }) => entry.provenance.source },
  { name: 'source_url', type: 'text', read: ({ entry }) => entry.provenance.url },
  { name: 'started', type: 'text', read: ({ entry }) => entry.provenance.started },
  { name: 'config_sha256', type: 'text', read: ({ entry }) => entry.provenance.config_sha256 },
];

function intervalOf(measure: Measure): { low: number; high: number } | null {
  return measure.value === null ? null : measure.interval;
}

export function tidyTable(records: readonly EvaluationRecord[]): TidyColumn[] {
  const sources = sourcesOf(records);
  const rows = records.flatMap((entry) =>
    sources.flatMap((source): Row[] => {
      const measure = source.read(entry);
      return measure === undefined ? [] : [{ entry, source, measure }];
    }),
  );
  return columns.map(({ name, type, read }) => ({
    name,
    type,
    cells: rows.map((row) => read(row) ?? null),
  }));
}

/** As CSV, with a header. */
export function tidyCsv(table: readonly TidyColumn[]): string {
  const count = table[0]?.cells.length ?? 0;
  const texts = table.map(({ type, cells }) =>
    type === 'text' ? cells.map((cell) => csvCell(cell === null ? null : String(cell))) : cells,
  );
  const lines = [table.map(({ name }) => name).join(',')];
  for (let row = 0; row < count; row++) lines.push(texts.map((cells) => cells[row] ?? '').join(','));
  return `${lines.join('\r\n')}\r\n`;
}
