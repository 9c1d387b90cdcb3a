/** The state that a run is taken up from when it is started again, perhaps with other settings. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { differingSettings } from '../../config/roles.ts';
import { type RunConfig, runConfig } from '../../config/run-config.ts';
import { quote, UserError } from '../../errors.ts';
import { runRecordIds } from '../../report/run-records.ts';
import { SNAPSHOTS } from '../../sae/published/light-checkpoints.ts';
import { checkpointStore } from '../../train/checkpoint.ts';
import type { RunIdentity } from './identity.ts';
import type { RunFolder, RunState } from './run-folder.ts';

/**
 * The state that a run goes on from. Other settings of the evaluation are taken as they are, and what is trained is
 * measured again; so are other settings of the training while nothing of it is saved.
 *
 * @param records ids of all records that the run will have
 * @returns undefined where it begins
 * @throws UserError when the folder holds SAEs trained with other settings, or of another language model; when it holds
 *   records of SAEs of others that are not asked for any more; when it trained none and its records are on another model
 */
export async function resumedState(
  { path, found }: Pick<RunFolder, 'path' | 'found'>,
  config: RunConfig,
  identity: RunIdentity,
  records: readonly string[],
): Promise<RunState | undefined> {
  if (found === undefined) return undefined;
  const { trained, evaluated, model } = found.identity;
  const otherTraining = trained !== identity.trained || model !== identity.model;
  if (otherTraining && (await isTrained(path, found))) throw trainedOtherwise(path, found, config, identity);
  await checkRecordsStay(path, found, config, records);
  if (otherTraining) {
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

/**
 * Those of SAEs that the run trained follow from its training, which is the same where anything of it is kept: the ones that
 * would go are of SAEs of others, and may have taken hours.
 *
 * @throws UserError where records would go that nobody said to do without
 */
async function checkRecordsStay(
  path: string,
  found: RunState,
  config: RunConfig,
  records: readonly string[],
): Promise<void> {
  const there = await runRecordIds(path);
  const [first, ...others] = there.filter((id) => !records.includes(id));
  const before = runConfig.safeParse(found.config);
  const model = before.success ? before.data.model.id : config.model.id;
  const otherModel = there.length > 0 && model !== config.model.id;
  if (first === undefined && !otherModel) return;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  throw new UserError({
    thing: `run folder ${path}`,
    found:
      first === undefined
        ? `records on the model ${quote(model)}`
        : `the record ${quote(first)}${more}, of ${others.length === 0 ? 'an SAE' : 'SAEs'} that this run leaves out`,
    expected: 'a run of the same SAEs and perhaps further ones, on the same model',
    next:
      first === undefined || found.config.train === false
        ? 'Give this run its own --name, or start over with --fresh, which deletes those records.'
        : `Name ${others.length === 0 ? 'it' : 'them'} too with --sae, give this run its own --name, or delete ${join(path, 'records', `${first}.json`)}${more}.`,
  });
}

/** Removes what a training left behind that ended, or was refused, before its first checkpoint. */
export async function forgetTraining(folder: string): Promise<void> {
  for (const name of ['run.json', 'checkpoints', 'shuffle', SNAPSHOTS])
    await rm(join(folder, name), { recursive: true, force: true });
}

function trainedOtherwise(
  path: string,
  found: RunState,
  config: RunConfig,
  identity: RunIdentity,
): UserError {
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
