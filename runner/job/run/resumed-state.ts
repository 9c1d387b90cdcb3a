/** The state that a run is taken up from when it is started again, perhaps with other settings. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { differingSettings } from '../../config/roles.ts';
import { type RunConfig, runConfig } from '../../config/run-config.ts';
import { quote, UserError } from '../../errors.ts';
import { hasRunRecords } from '../../report/run-records.ts';
import { SNAPSHOTS } from '../../sae/published/light-checkpoints.ts';
import { checkpointStore } from '../../train/checkpoint.ts';
import type { RunIdentity } from './identity.ts';
import type { RunFolder, RunState } from './run-folder.ts';

/**
 * The state that a run goes on from. Other settings of the evaluation are taken as they are, and what is trained is
 * measured again; so are other settings of the training while nothing of it is saved.
 *
 * @returns undefined where it begins
 * @throws UserError when the folder holds SAEs trained with other settings, or of another language model; when it trained none
 *   and holds records of SAEs, or on a model, that are not asked for
 */
export async function resumedState(
  { path, found }: Pick<RunFolder, 'path' | 'found'>,
  config: RunConfig,
  identity: RunIdentity,
): Promise<RunState | undefined> {
  if (found === undefined) return undefined;
  if (await isMeasured(path, found)) checkSameSaes(path, found, config);
  const { trained, evaluated, model } = found.identity;
  if (trained !== identity.trained || model !== identity.model) {
    if (await isTrained(path, found)) throw otherTraining(path, found, config, identity);
    await forgetTraining(path);
    return undefined;
  }
  if (evaluated === identity.evaluated) return { ...found, config };
  return {
    ...found,
    identity,
    config,
    stage: found.stage === 'training' ? 'training' : 'evaluating',
    seconds: { ...found.seconds, evaluating: 0 },
  };
}

/** Whether the folder holds anything that training has made and that could be lost. */
async function isTrained(folder: string, { stage, config }: RunState): Promise<boolean> {
  if (config.train === false) return false;
  return stage !== 'training' || !(await checkpointStore(join(folder, 'checkpoints')).isEmpty());
}

/** Whether the folder holds records of a run that trained nothing: they are all that there is of it. */
async function isMeasured(folder: string, { config }: RunState): Promise<boolean> {
  return config.train === false && (await hasRunRecords(folder));
}

/** @throws UserError where records would go that nobody said to do without */
function checkSameSaes(path: string, found: RunState, config: RunConfig): void {
  const before = runConfig.safeParse(found.config);
  if (!before.success) return;
  const gone = before.data.saes.filter((name) => !config.saes.includes(name));
  const [first] = gone;
  const others = gone.length > 1 ? ` and ${gone.length - 1} more` : '';
  const model = before.data.model.id;
  if (first === undefined && model === config.model.id) return;
  throw new UserError({
    thing: `run folder ${path}`,
    found:
      first === undefined
        ? `records on the model ${quote(model)}`
        : `records of ${quote(first)}${others}, which this run leaves out`,
    expected: 'a run of the same SAEs and perhaps further ones, on the same model',
    next: 'Give this run its own --name, or start over with --fresh, which deletes those records.',
  });
}

/** Removes what a training left behind that ended, or was refused, before its first checkpoint. */
export async function forgetTraining(folder: string): Promise<void> {
  for (const name of ['run.json', 'checkpoints', 'shuffle', SNAPSHOTS])
    await rm(join(folder, name), { recursive: true, force: true });
}

function otherTraining(path: string, found: RunState, config: RunConfig, identity: RunIdentity): UserError {
  const before = runConfig.safeParse(found.config);
  const names = before.success ? differingSettings(before.data, config) : [];
  const listed = names.length === 0 ? '' : ` (${names.slice(0, 8).join(', ')})`;
  return new UserError({
    thing: `run folder ${path}`,
    found:
      found.identity.trained === identity.trained
        ? 'SAEs trained on other model files'
        : `SAEs trained with other settings${listed}`,
    expected: 'those it was started with',
    next: 'Give this run its own --name, or start over with --fresh.',
  });
}
