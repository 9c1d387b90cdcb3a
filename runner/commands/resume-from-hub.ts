/** A run that has no state on this machine is taken up from its repository, and says so. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { RunConfig } from '../config/run-config.ts';
import type { UploadSettings } from '../config/sections.ts';
import { parseReference } from '../hub/reference.ts';
import { canonicalJson } from '../io/hash.ts';
import { type Fetching, fetchResume, findResume, type HubResume } from '../job/release/hub-resume.ts';
import { checkStamp, type RunStamp } from '../job/release/resume-stamp.ts';
import { limitsOfCheckpoint, looksOnHub } from '../job/run/hub-state.ts';
import type { RunIdentity } from '../job/run/identity.ts';
import { RUN_SCHEMA, type RunFolder, type RunState } from '../job/run/run-folder.ts';
import { findFinished } from '../job/shards/finished-shard.ts';
import type { ModelPlace } from '../job/shared/model-place.ts';
import { isPinOfPlace, type Pin, pinsOf } from '../job/shared/pinned-text.ts';
import { type Shard, type ShardOfRun, shardName, shardRepository } from '../job/shared/shard.ts';
import { withShownHub } from './download-view.ts';
import type { ProgressView } from './progress.ts';

/**
 * What the run's repository holds of a run in training, if this machine has nothing.
 *
 * @throws Stopped at Ctrl-C; errors as `findResume`
 */
export async function findOnHub(
  config: { upload: UploadSettings; train: boolean },
  folder: RunFolder,
  fresh: boolean,
  view: ProgressView,
): Promise<HubResume | undefined> {
  if (!(await looksOnHub(config, folder, fresh))) return undefined;
  return withHub(config, folder, view, (fetching, reference) => findResume(fetching, reference));
}

/**
 * Fetches what was found, and gives the run's folder with the state it stands in from then on.
 *
 * @param own what this run is; the state of another is refused
 * @throws UserError when it is of another run; Stopped at Ctrl-C, with what came kept; errors as `fetchResume`
 */
export async function resumeFromHub(
  found: HubResume,
  run: {
    config: RunConfig;
    folder: RunFolder;
    model: ModelPlace;
    identity: RunIdentity;
    shard: ShardOfRun | null;
    own: RunStamp;
  },
  view: ProgressView,
): Promise<RunFolder> {
  const { config, folder, model, identity, shard, own } = run;
  const { at, stamp } = found;
  const uploadSettings = { upload: shardRepository(config, shard) };
  const where = `resume/ of ${at.repo}`;
  checkStamp(stamp, own, where);
  const limits = await limitsOfCheckpoint(config, model, shard);
  await withHub(uploadSettings, folder, view, (fetching) => fetchResume(fetching, found, limits));
  const state: RunState = {
    schema: RUN_SCHEMA,
    identity,
    config,
    stage: 'training',
    started: stamp.started,
    ...(shard === null ? {} : { shard: { ...shard, saes: [...shard.saes] } }),
    seconds: { training: stamp.seconds, evaluating: 0 },
  };
  await folder.save(state);
  view.line(
    `resumes  from ${where}, commit ${at.commit.slice(0, 8)}: ${stamp.tokens.toLocaleString('en')} tokens are trained (--fresh starts over)`,
  );
  return { ...folder, found: state };
}

/**
 * Whether a shard of which this machine has nothing is already done, its results on its branch.
 *
 * @param identityOf what the shard is, with its text pinned as the results say
 * @throws Stopped at Ctrl-C; errors as `findFinished`
 */
export async function isFinishedOnHub(
  config: { name: string; upload: UploadSettings },
  { part, folder, fresh }: { part: Shard; folder: RunFolder; fresh: boolean },
  identityOf: (pins: readonly Pin[]) => Promise<RunIdentity>,
  view: ProgressView,
): Promise<boolean> {
  const upload = shardRepository(config, part);
  if (upload.repository === null || fresh || folder.found !== undefined) return false;
  const found = await withHub({ upload }, folder, view, ({ hub, signal }, branch) =>
    findFinished(hub, branch, signal),
  );
  if (found === undefined) return false;
  const { at, state } = found;
  if (state.shard?.index !== part.index || state.shard.of !== part.of) return false;
  const identity = await identityOf(pinsOf(state.config).filter(isPinOfPlace));
  if (canonicalJson(identity) !== canonicalJson(state.identity)) return false;
  view.line(
    `shard    ${shardName(part)} of ${config.name} is done: ${at.repo}@${at.revision}, commit ${at.commit.slice(0, 8)} (--fresh starts over)`,
  );
  return true;
}

async function withHub<T>(
  { upload }: { upload: UploadSettings },
  folder: RunFolder,
  view: ProgressView,
  use: (fetching: Fetching, reference: Parameters<typeof findResume>[1]) => Promise<T>,
): Promise<T> {
  const reference = parseReference(upload.repository ?? '', { exists: existsSync, home: homedir() });
  if (reference.kind !== 'hub') throw new RangeError('checkUpload comes first');
  return withShownHub(view, ({ hub, signal, onProgress }) =>
    use({ hub, folder: folder.path, signal, onProgress }, reference),
  );
}
