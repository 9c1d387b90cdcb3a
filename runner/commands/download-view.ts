import type { DownloadProgress } from '../hub/download.ts';
import { openHubHere } from '../hub/here.ts';
import { nameSome } from '../hub/repository.ts';
import type { Hub } from '../hub/transport.ts';
import { Stopped } from '../reporter.ts';
import { hashingStage } from './hashing.ts';
import type { ProgressView } from './progress.ts';
import { whenInterrupted } from './when-interrupted.ts';

/** The hub, with downloads shown on the terminal and ended by Ctrl-C. */
export interface ShownHub {
  hub: Hub;
  signal: AbortSignal;
  onProgress(progress: DownloadProgress): void;
  /** What was cached before is read to check it, once. */
  onCheck(done: number, total: number): void;
  onUnchecked(paths: readonly string[]): void;
}

/**
 * @throws Stopped at Ctrl-C, with the part that came kept
 * @throws what `use` throws
 */
export async function withShownHub<T>(view: ProgressView, use: (shown: ShownHub) => Promise<T>): Promise<T> {
  const hub = await openHubHere();
  const abort = new AbortController();
  const uninterrupted = whenInterrupted(() => abort.abort());
  const began = performance.now();
  let before: number | undefined;
  try {
    return await use({
      hub,
      signal: abort.signal,
      onProgress({ bytes, total, filesDone, files }) {
        before ??= bytes;
        const seconds = (performance.now() - began) / 1000;
        const rate = seconds > 0.2 ? (bytes - before) / seconds : 0;
        const fields = { files: `${filesDone}/${files}` };
        view.show({ stage: 'download', done: bytes, total, unit: 'B', rate, fields });
      },
      onCheck: hashingStage(view).progress,
      onUnchecked: (paths) =>
        view.line(`unchecked ${nameSome(paths)}: no listing was kept; a start without HF_HUB_OFFLINE checks`),
    });
  } catch (error) {
    if (abort.signal.aborted)
      throw new Stopped('stopped; what was downloaded is kept, the same command goes on from there');
    throw error;
  } finally {
    uninterrupted();
  }
}
