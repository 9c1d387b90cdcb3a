import { stat } from 'node:fs/promises';
import { hashesHere } from '../hub/here.ts';
import type { HashFiles } from '../io/hash.ts';
import { type Reporter, stageReporter } from '../reporter.ts';
import type { ProgressView } from './progress.ts';

/** The stage of reading files for their hashes, shown where it takes a while. */
export function hashingStage(view: ProgressView): Reporter {
  return stageReporter('hashing', 'B', {
    progress: view.show,
    note: view.line,
    stopRequested: () => false,
  });
}

/** Hashes of files as they are now: those that have not changed since they were last read are remembered. */
export function shownHashes(view: ProgressView): HashFiles {
  const known = hashesHere();
  return async (paths) => {
    const hashes = await known.of(
      paths.map((path) => ({ path, algorithm: 'sha256' as const })),
      { onProgress: hashingStage(view).progress },
    );
    return Promise.all(
      paths.map(async (path, index) => ({ bytes: (await stat(path)).size, sha256: hashes[index]! })),
    );
  };
}
