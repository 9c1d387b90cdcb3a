import { type ContentFile, trustedContent } from '../../runner/report/content-files.ts';
import type { RecordTable } from '../../runner/report/record-table.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import type { Similarity } from '../../runner/report/similarity.ts';
import { isLightCheckpoint } from './along-training.ts';
import { arrangeRecords } from './arrange.ts';
import { contentFiles, readContent } from './content.ts';

/** Read once a build: every page asks for them. */
let read: { content: ContentFile[]; records: EvaluationRecord[]; listed: EvaluationRecord[] } | undefined;

function content(): NonNullable<typeof read> {
  if (read !== undefined && !import.meta.env.DEV) return read;
  // content.config.ts held them to their schema.
  const files = contentFiles().map((file) => trustedContent(file, readContent(file)));
  const entries = files.flatMap(({ file, records }) => records.map((data) => ({ id: file, data })));
  const records = arrangeRecords(entries);
  read = { content: files, records, listed: records.filter((entry) => !isLightCheckpoint(entry)) };
  return read;
}

/** Every record of the content folder, ordered by model and layer; ids are unique or the build fails. */
export async function loadRecords(): Promise<EvaluationRecord[]> {
  return content().records;
}

/**
 * The records of lists and columns, whose row numbers are places here. Light checkpoints are drawn along training, and
 * not listed beside what became of them.
 */
export async function listedRecords(): Promise<EvaluationRecord[]> {
  return content().listed;
}

/** Tables of published figures, whose records share a page. */
export async function loadTables(): Promise<RecordTable[]> {
  return content().content.flatMap(({ table }) => table ?? []);
}

/** How alike the decoders of runs are, as far as the content folder says. */
export async function loadSimilarities(): Promise<Similarity[]> {
  return content().content.flatMap(({ similarity }) => similarity ?? []);
}
