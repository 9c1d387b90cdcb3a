import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { modelIdOf } from '../config/resolve.ts';
import { demoModelFolder } from '../demo/index.ts';
import { DEMO_MODEL } from '../demo/model-folder.ts';
import { download } from '../hub/download.ts';
import { formatReference, parseReference } from '../hub/reference.ts';
import type { HashFiles } from '../io/hash.ts';
import { modelSha256 } from '../job/run/identity.ts';
import type { OtherModel } from '../job/shared/crosscoder.ts';
import type { ModelPlace } from '../job/shared/model-place.ts';
import { isModelFile } from '../lm/model-files.ts';
import { withShownHub } from './download-view.ts';
import { isConfiguration, isSyntheticFile, madeHere, namedSynthetic } from './locate-synthetic.ts';
import type { ProgressView } from './progress.ts';

/**
 * The second model of a crosscoder.
 *
 * @param reference as the user names it; null without one
 * @throws as `locateModel`, and as hashing its files does
 */
export async function locateOther(
  reference: string | null,
  view: ProgressView,
  hash: HashFiles,
): Promise<OtherModel | null> {
  if (reference === null) return null;
  const place = await locateModel(reference === DEMO_MODEL ? null : reference, view);
  return { ...place, id: modelIdOf(reference), sha256: await modelSha256(place, hash) };
}

/**
 * The folder of a model: an embedded one, a local one, or a repository of the hub, whose files are downloaded into the
 * cache shared with Python's huggingface_hub unless they are there already. A synthetic model that is named by its
 * configuration alone is made, once, in .cache/synthetic.
 *
 * @param reference null for the embedded language model
 * @throws Stopped at Ctrl-C, with the part that came kept
 * @throws UserError, UnavailableError or MalformedError as the download does
 */
export async function locateModel(reference: string | null, view: ProgressView): Promise<ModelPlace> {
  if (reference === null) return { folder: demoModelFolder, revision: null };
  const named = namedSynthetic(reference);
  const make = async (file: string): Promise<ModelPlace> => ({
    folder: await madeHere(file, (line) => view.line(line)),
    revision: null,
  });
  if (named !== null) return make(named);
  const parsed = parseReference(reference, { exists: existsSync, home: homedir() });
  if (parsed.kind === 'local')
    return isConfiguration(parsed.path) ? make(parsed.path) : { folder: parsed.path, revision: null };
  const select = (path: string, all: readonly string[]): boolean =>
    isModelFile(path, all) || isSyntheticFile(path, parsed.path);
  return withShownHub(view, async ({ hub, ...shown }) => {
    const got = await download(hub, { reference: parsed, select, ...shown });
    view.line(`model    ${formatReference({ ...parsed, revision: got.reference.commit })}`);
    return { folder: join(got.folder, parsed.path ?? ''), revision: got.reference.commit };
  });
}
