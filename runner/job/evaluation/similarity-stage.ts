/** Compares the decoders of a run's SAEs, once its records are written: no language model is needed for it. */

import { join } from 'node:path';
import { MalformedError } from '../../errors.ts';
import { isInResidualSpace } from '../../hook.ts';
import { readRunRecords } from '../../report/run-records.ts';
import { SIMILARITY_FILE, type Similarity, similarityId } from '../../report/similarity.ts';
import { readSimilarity, writeSimilarity } from '../../report/similarity-file.ts';
import type { Reporter } from '../../reporter.ts';
import type { SaeFile } from '../../sae/checkpoints/loaded.ts';
import { namedHook } from '../../sae/published/hook-names.ts';
import { recordId } from '../shared/planned-saes.ts';
import { type ComparedDecoder, type ComparisonSettings, compareDecoders } from './compare-decoders.ts';
import type { FiredLatents } from './fired-latents.ts';

/** An SAE of the run. */
export interface SaeToCompare {
  /** Name in the run. */
  id: string;
  layer: number;
  /** Null where its weights are not at hand. */
  open: (() => Promise<SaeFile>) | null;
}

/**
 * Writes the run's file of similarities; after each pair what is known so far, from which a run that was stopped goes on.
 *
 * @param others files with pairs of the same SAEs, such as those of a run's shards
 * @throws Stopped when the user asked to stop
 * @throws MalformedError when a file of the run is not what the evaluation wrote
 */
export async function similarityStage(
  run: {
    config: ComparisonSettings & { name: string };
    folder: string;
    fired: FiredLatents;
    others?: readonly Similarity[];
  },
  saes: readonly SaeToCompare[],
  reporter: Reporter,
): Promise<void> {
  const { config, folder, fired, others = [] } = run;
  const records = new Map((await readRunRecords(folder)).map((record) => [record.id, record]));
  const path = join(folder, SIMILARITY_FILE);
  const before = await readSimilarity(path);
  const files: SaeFile[] = [];
  try {
    const compared: ComparedDecoder[] = [];
    for (const { id, layer, open } of saes) {
      const record = records.get(recordId(config.name, id));
      const kept = fired.saes.get(id);
      const sha256 = record?.sae.sha256;
      const hook = record && namedHook(record.sae.hook);
      // Decoders that write to spaces of their own have nothing to be compared in.
      if (hook && !isInResidualSpace(hook)) continue;
      // A transcoder's latents are of another activation than those of an SAE.
      if (record?.sae.reads !== undefined) continue;
      if (sha256 == null || kept?.length !== record?.sae.d_sae) throw otherFiles(path, id);
      const file = open === null ? null : await open();
      if (file !== null) files.push(file);
      compared.push({ sae: file?.sae ?? null, kept: kept!, record: record!.id, layer, sha256 });
    }
    if (compared.length === 0) return;
    const [{ model, sae } = otherwise(path)] = records.values();
    await compareDecoders(
      {
        config,
        saes: compared,
        about: {
          id: similarityId(config.name),
          model: { id: model.id, sha256: model.sha256 },
          d_model: model.d_model ?? sae.d_in ?? otherwise(path),
          window_tokens: fired.window_tokens,
        },
        before: before === null ? others : [before, ...others],
        keep: (found) => writeSimilarity(folder, found),
      },
      reporter,
    );
  } finally {
    for (const file of files) await file.close();
  }
}

function otherwise(path: string): never {
  throw otherFiles(path, 'of a width');
}

function otherFiles(path: string, id: string): MalformedError {
  return new MalformedError({
    thing: path,
    found: `an SAE ${id} that the records of the run are not of`,
    expected: 'the SAEs that were measured',
    next: 'Make the records again with npx interpboard eval --fresh.',
  });
}
