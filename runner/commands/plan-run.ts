/** `plan`: what a run will take, from its settings and the checkpoint's headers. Nothing is downloaded. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import type { LoadedSuite } from '../config/own-suites.ts';
import { type RunConfig, suitesOf } from '../config/run-config.ts';
import { trainedHooks } from '../config/trained-hooks.ts';
import { demoModelFolder } from '../demo/index.ts';
import { DEMO_MODEL } from '../demo/model-folder.ts';
import { quote, UnavailableError, UserError } from '../errors.ts';
import { openHubHere } from '../hub/here.ts';
import { formatReference, parseReference } from '../hub/reference.ts';
import { openRepository } from '../hub/repository-files.ts';
import { parseBytes } from '../io/bytes.ts';
import { checkRecipes } from '../job/run/check-recipes.ts';
import { planOf } from '../job/run/plan.ts';
import { planShards } from '../job/shards/plan-shards.ts';
import { checkAlone } from '../job/shared/cross-layer-transcoder.ts';
import { modelShape, shapeOf, widthsIn } from '../job/shared/model-place.ts';
import { describePublished } from '../job/shared/published-saes.ts';
import { matchStarts } from '../job/training-data/starts.ts';
import { type Checkpoint, openCheckpoint, readCheckpoint } from '../lm/checkpoint.ts';
import { familyOf } from '../lm/families/index.ts';
import { machineMemory } from '../lm/memory.ts';
import { isModelFile } from '../lm/model-files.ts';
import { automaticDevice, deviceFacts } from '../onnx/device-facts.ts';
import { AUTO, parseDevices } from '../onnx/devices.ts';
import type { Precision } from '../onnx/graph.ts';
import { runtimeBinding } from '../onnx/session.ts';
import { deviceMemory } from './device-memory.ts';
import { locateHere } from './locate-saes.ts';
import type { options } from './options/plan.ts';
import type { parseOptions } from './parse-options.ts';
import { otherSaes, unhashed } from './plan-saes.ts';
import { locateSynthetic, planOfSamples } from './plan-synthetic.ts';
import { inColumns, type PlanFacts, planText, type Speed } from './plan-text.ts';
import { checkTransfer } from './transfer.ts';

interface Located {
  name: string;
  /** Null where its files are on the hub. */
  folder: string | null;
  checkpoint: Checkpoint;
  files: PlanFacts['files'];
}

/** @returns the exit code */
export async function planned(
  { values }: ReturnType<typeof parseOptions<typeof options>>,
  asked: RunConfig,
  suites: readonly LoadedSuite[],
): Promise<number> {
  const memory = values.memory === undefined ? machineMemory() : parseBytes('--memory', values.memory);
  checkTransfer(asked);
  const device = asked.device === AUTO ? (await automaticDevice()).device : asked.device;
  const config = { ...asked, device };
  const samples = await locateSynthetic(config.model.reference);
  if (samples !== null) {
    refuseForSamples(values);
    const lines = planOfSamples(samples, config, memory);
    console.log(values.json ? JSON.stringify({ ...samples, memory }, null, 2) : inColumns(lines));
    return 0;
  }
  const located = await locate(config.model.reference);
  const unseen = await startsUnseen(config, located.folder);
  const all = [...suitesOf(config), ...suites.map(({ suite }) => suite)];
  const { checkpoint } = located;
  const shape = shapeOf(familyOf(checkpoint));
  const { otherModel } = config.evaluation;
  const second = otherModel === null ? null : await locate(otherModel === DEMO_MODEL ? null : otherModel);
  const others = await otherSaes(config, shape, second && shapeOf(familyOf(second.checkpoint)));
  const card = await deviceMemory(values['device-memory'], parseDevices(device));
  const binding = await runtimeBinding();
  const plan = planOf(config, all, checkpoint, memory, { others, card, binding });
  const ofSecond = others.map((sae) => ({ ...sae, hooks: sae.otherHooks ?? [] }));
  const other = second && {
    model: second.name,
    files: second.files,
    plan: planOf(config, all, second.checkpoint, memory, { others: ofSecond, card, binding }),
  };
  if (config.train) checkRecipes(config, widthsIn(shape, trainedHooks(config)));
  const shards =
    values.shards === undefined
      ? null
      : planShards({ config, suites: all, checkpoint }, shardCount(values.shards, config));
  const speeds = await speedOf(device, plan.precision);
  const { bavail, bsize } = await statfs(process.cwd());
  const facts: PlanFacts = {
    model: located.name,
    files: located.files,
    memory,
    freeDisk: bavail * bsize,
    unplaced: others.filter(({ hooks }) => hooks.length === 0).length,
    uncounted: others.filter(({ known }) => known === null).length,
    unseen,
    transferFrom: config.evaluation.transferFrom,
    plan,
    other,
    shards,
    speeds,
  };
  console.log(values.json ? JSON.stringify(facts, null, 2) : planText(facts));
  return 0;
}

/** @throws UserError for what is planned of language models alone */
function refuseForSamples(values: {
  shards?: string | undefined;
  'device-memory'?: string | undefined;
}): void {
  for (const option of ['shards', 'device-memory'] as const) {
    const found = values[option];
    if (found === undefined) continue;
    throw new UserError({
      thing: `--${option}`,
      found: `${quote(found)} for a synthetic model`,
      expected: 'none: it is planned of language models alone',
      next: 'Leave it out.',
    });
  }
}

/**
 * Holds the SAEs that training starts from to its hooks and recipe, where they and the model lie on this machine.
 *
 * @returns how many were not looked into: all where one is elsewhere, since it may be the one that a hook lacks
 * @throws UserError as `eval` would
 */
async function startsUnseen(config: RunConfig, folder: string | null): Promise<number> {
  const { from } = config.training;
  const places = folder === null ? null : await locateHere(from);
  if (folder === null || places === null) return from.length;
  const model = { folder, revision: null };
  const described = await describePublished(places, await modelShape(model), unhashed);
  checkAlone([], { train: config.train, shard: false, from: described });
  await matchStarts(config, model, described);
  return 0;
}

async function locate(reference: string | null): Promise<Located> {
  if (reference === null)
    return {
      name: 'the embedded model',
      folder: demoModelFolder,
      checkpoint: await openCheckpoint(demoModelFolder),
      files: null,
    };
  const parsed = parseReference(reference, { exists: existsSync, home: homedir() });
  if (parsed.kind === 'local')
    return {
      name: parsed.path,
      folder: parsed.path,
      checkpoint: await openCheckpoint(parsed.path),
      files: null,
    };
  const hub = await openHubHere();
  const repository = await openRepository(hub, parsed);
  const names = repository.files.map(({ path }) => path);
  const wanted = repository.files.filter(({ path }) => isModelFile(path, names));
  const bytes = (of: typeof wanted): number => of.reduce((sum, { size }) => sum + size, 0);
  return {
    name: formatReference({ ...parsed, revision: repository.commit }),
    folder: null,
    checkpoint: await readCheckpoint({
      name: repository.name,
      open: (file) => repository.open(file),
      list: async () => names,
    }),
    files: { bytes: bytes(wanted), missing: bytes(wanted.filter(({ cached }) => !cached)) },
  };
}

/** Of each device; null where it is not there. */
async function speedOf(device: string, precision: Precision): Promise<Record<string, Speed | null>> {
  const found: Record<string, Speed | null> = {};
  for (const each of parseDevices(device)) {
    found[each] = await deviceFacts(each).then(
      // Where a device does not compute in bfloat16 it is rounded to from float32.
      ({ operationsPerSecond: saes, bfloat16PerSecond }) => ({
        model: precision === 'bfloat16' ? (bfloat16PerSecond ?? saes) : saes,
        saes,
      }),
      (error: unknown) => {
        // The run may be planned for another machine.
        if (error instanceof UnavailableError) return null;
        throw error;
      },
    );
  }
  return found;
}

function shardCount(text: string, config: RunConfig): number {
  if (config.train && /^\d{1,6}$/.test(text) && Number(text) > 0) return Number(text);
  throw new UserError({
    thing: '--shards',
    found: config.train ? quote(text) : 'a run that trains no SAE',
    expected: config.train ? 'a whole number from 1 on' : 'one whose SAEs are known before they are located',
    next: 'Run npx interpboard plan --help.',
  });
}
