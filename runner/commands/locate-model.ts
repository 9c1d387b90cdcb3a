import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { demoModelFolder } from '../demo/index.ts';
import { download } from '../hub/download.ts';
import { formatReference, parseReference } from '../hub/reference.ts';
import type { ModelPlace } from '../job/shared/model-place.ts';
import { isModelFile } from '../lm/model-files.ts';
import { withShownHub } from './download-view.ts';
import type { ProgressView } from './progress.ts';

/**
 * The folder of a language model: the embedded one, a local one, or a repository of the hub, whose files are
 * downloaded into the cache shared with Python's huggingface_hub unless they are there already.
 *
 * @param reference null for the embedded model
 * @throws Stopped at Ctrl-C, with the part that came kept
 * @throws UserError, UnavailableError or MalformedError as the download does
 */
export async function locateModel(reference: string | null, view: ProgressView): Promise<ModelPlace> {
  if (reference === null) return { folder: demoModelFolder, revision: null };
  const parsed = parseReference(reference, { exists: existsSync, home: homedir() });
  if (parsed.kind === 'local') return { folder: parsed.path, revision: null };
  return withShownHub(view, async ({ hub, ...shown }) => {
    const got = await download(hub, { reference: parsed, select: isModelFile, ...shown });
    view.line(`model    ${formatReference({ ...parsed, revision: got.reference.commit })}`);
    return { folder: got.folder, revision: got.reference.commit };
  });
}
