/** `plan`: what a run will take, from its settings and the checkpoint's headers. Nothing is downloaded. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import type { LoadedSuite } from '../config/own-suites.ts';
import { type RunConfig, suitesOf } from '../config/run-config.ts';
import { trainedHooks } from '../config/trained-hooks.ts';
import { demoModelFolder } from '../demo/index.ts';
import { quote, UnavailableError, UserError } from '../errors.ts';
import { hookName } from '../hook.ts';
import { openHubHere } from '../hub/here.ts';
import { formatReference, parseReference } from '../hub/reference.ts';
import { openRepository } from '../hub/repository-files.ts';
import { formatBytes, parseBytes } from '../io/bytes.ts';
import { checkRecipes } from '../job/run/check-recipes.ts';
import { type DeviceNeeds, type PlannedStage, planOf, type RunPlan } from '../job/run/plan.ts';
import { planShards, type ShardsPlan, totalOf } from '../job/shards/plan-shards.ts';
import { modelShape, shapeOf, widthsIn } from '../job/shared/model-place.ts';
import { describePublished } from '../job/shared/published-saes.ts';
import { sharedText } from '../job/shared/sae-devices.ts';
import { matchStarts } from '../job/training-data/starts.ts';
import { type Checkpoint, openCheckpoint, readCheckpoint } from '../lm/checkpoint.ts';
import { familyOf } from '../lm/families/index.ts';
import { machineMemory } from '../lm/memory.ts';
import { isModelFile } from '../lm/model-files.ts';
import { automaticDevice, deviceFacts } from '../onnx/device-facts.ts';
import { AUTO, parseDevices } from '../onnx/devices.ts';
import type { Precision } from '../onnx/graph.ts';
import { deviceMemory } from './device-memory.ts';
import { locateHere } from './locate-saes.ts';
import type { options } from './options/plan.ts';
import type { parseOptions } from './parse-options.ts';
import { otherSaes, unhashed } from './plan-saes.ts';
import { locateSynthetic, planOfSamples } from './plan-synthetic.ts';
import { checkTransfer } from './transfer.ts';

/** Share of a plain product's rate that whole models reach, as measured on CPUs (0.5 to 0.8). */
const REACHED = 0.6;

interface Located {
  name: string;
  /** Null where its files are on the hub. */
  folder: string | null;
  checkpoint: Checkpoint;
  /** Of the files that a run reads: all bytes, and those that are not on this machine yet. */
  files: { bytes: number; missing: number } | null;
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
    const lines = planOfSamples(samples, config, memory);
    console.log(values.json ? JSON.stringify({ ...samples, memory }, null, 2) : inColumns(lines));
    return 0;
  }
  const located = await locate(config.model.reference);
  const unseen = await startsUnseen(config, located.folder);
  const all = [...suitesOf(config), ...suites.map(({ suite }) => suite)];
  const { checkpoint } = located;
  const shape = shapeOf(familyOf(checkpoint));
  const others = await otherSaes(config, shape);
  const card = await deviceMemory(values['device-memory'], parseDevices(device));
  const plan = planOf(config, all, checkpoint, memory, { others, card });
  if (config.train) checkRecipes(config, widthsIn(shape, trainedHooks(config)));
  const shards =
    values.shards === undefined
      ? null
      : planShards({ config, suites: all, checkpoint }, shardCount(values.shards, config));
  const speeds = await speedOf(device, plan.precision);
  const { bavail, bsize } = await statfs(process.cwd());
  const facts = {
    model: located.name,
    files: located.files,
    memory,
    freeDisk: bavail * bsize,
    unplaced: others.filter(({ hooks }) => hooks.length === 0).length,
    uncounted: others.filter(({ known }) => known === null).length,
    unseen,
    transferFrom: config.evaluation.transferFrom,
    plan,
    shards,
    speeds,
  };
  console.log(values.json ? JSON.stringify(facts, null, 2) : describe(facts));
  return 0;
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
  await matchStarts(config, model, await describePublished(places, await modelShape(model), unhashed));
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

/** Operations a second: of the language model, in the run's precision, and of SAEs, in float32. */
interface Speed {
  model: number;
  saes: number;
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

function describe(facts: {
  model: string;
  files: Located['files'];
  memory: number;
  freeDisk: number;
  /** SAEs of others whose names do not say their hooks, and those that are not on this machine. */
  unplaced: number;
  uncounted: number;
  /** A second model that is measured. */
  transferFrom: string | null;
  /** SAEs that training starts from and that are not looked into here. */
  unseen: number;
  plan: RunPlan;
  shards: ShardsPlan | null;
  speeds: Record<string, Speed | null>;
}): string {
  const { plan, files } = facts;
  const speeds = Object.entries(facts.speeds);
  const known = speeds.flatMap(([, speed]) => speed ?? []);
  const slowest =
    known.length < speeds.length
      ? null
      : {
          model: Math.min(...known.map(({ model }) => model)),
          saes: Math.min(...known.map(({ saes }) => saes)),
        };
  const count = (value: number): string => value.toLocaleString('en');
  const lines: [string, string][] = [
    ['model', facts.model],
    [
      '',
      `${plan.family}, ${plan.blocks} blocks, d_model ${plan.dModel}, ${count(plan.parameters)} parameters`,
    ],
    ['weights', `${formatBytes(plan.stored)} in files, ${formatBytes(plan.weights)} in ${plan.precision}`],
    ...(files === null
      ? []
      : [
          ['download', `${formatBytes(files.missing)} of ${formatBytes(files.bytes)}`] satisfies [
            string,
            string,
          ],
        ]),
    ['memory', `${formatBytes(facts.memory)} may be used`],
    [
      'devices',
      speeds
        .map(([name, speed]) =>
          speed === null ? `${name} (not on this machine)` : `${name} (${rates(speed)} GFLOP/s)`,
        )
        .join(', '),
    ],
  ];
  if (facts.unplaced > 0)
    lines.push(['hooks', `of ${count(facts.unplaced)} --sae unknown: say them as in owner/name#layer=12`]);
  if (facts.uncounted > 0)
    lines.push([
      'SAEs',
      `${count(facts.uncounted)} of --sae not on this machine: neither memory nor time is counted of them`,
    ]);
  if (facts.unseen > 0)
    lines.push([
      'from',
      `${count(facts.unseen)} of --from not looked into: eval holds them to hooks and recipe`,
    ]);
  if (facts.transferFrom !== null)
    lines.push(['transfer', `${facts.transferFrom} is measured as well: not counted here`]);
  for (const stage of plan.stages) lines.push(...stageLines(stage, facts.freeDisk, slowest));
  if (facts.shards !== null) lines.push(...shardLines(facts.shards, slowest, speeds.length));
  return inColumns(lines);
}

function inColumns(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([name, text]) => `${name.padEnd(11)}${text}`.trimEnd()).join('\n');
}

function rates({ model, saes }: Speed): string {
  const of = (rate: number): string => (rate / 1e9).toPrecision(3);
  return model === saes ? of(saes) : `${of(model)} in bfloat16, ${of(saes)} in float32`;
}

/** Seconds that operations of the language model and of SAEs take. */
function secondsOf(work: { model: number; saes: number }, rate: Speed): number {
  return work.model / (rate.model * REACHED) + work.saes / (rate.saes * REACHED);
}

function stageLines(stage: PlannedStage, freeDisk: number, rate: Speed | null): [string, string][] {
  const { memory, segments } = stage;
  const sum = memory.working + memory.weights + memory.waiting + memory.beside;
  const seconds = rate === null ? null : secondsOf(stage.operations, rate);
  const operations = stage.operations.model + stage.operations.saes;
  return [
    ['', ''],
    [
      stage.stage,
      `${stage.stage === 'evaluation' ? 'about ' : ''}${stage.tokens.toLocaleString('en')} tokens; ${stage.resident ? 'all segments held' : 'segments loaded in turn'}`,
    ],
    ...segments.map(({ first, last, to, hook, bytes, device }, i): [string, string] => {
      const parts = [
        ...(i === 0 ? ['embedding'] : []),
        ...(last < first ? [] : [first === last ? `block ${first}` : `blocks ${first}–${last}`]),
        ...(stage.stage === 'evaluation' && i === segments.length - 1 ? ['head'] : []),
      ];
      const end =
        hook === null || to === null ? '' : `, hook ${to.site === 'resid_post' ? to.layer : hookName(to)}`;
      return ['', `  ${device.padEnd(7)} ${formatBytes(bytes).padStart(9)}  ${parts.join(', ')}${end}`];
    }),
    ...stage.devices.map((needs) => deviceLine(needs, stage.devices.length > 1)),
    ...saesLine(stage),
    [
      '  memory',
      `${formatBytes(sum)}: ${[
        `weights ${formatBytes(memory.weights)}`,
        `batch, SAEs and program ${formatBytes(memory.working)}`,
        ...(stage.resident ? [] : [`waiting residuals ${formatBytes(memory.waiting)}`]),
        ...(memory.beside === 0 ? [] : [`room for ablations inside blocks ${formatBytes(memory.beside)}`]),
      ].join(', ')}`,
    ],
    [
      '  disk',
      stage.disk === 0
        ? 'no residual waits on disk'
        : `${formatBytes(stage.disk)} of residuals (${formatBytes(freeDisk)} free${stage.disk > freeDisk / 2 ? '; the text is swept in parts that take half of it' : ''})`,
    ],
    [
      '  time',
      seconds === null
        ? 'unknown: the device is not here to be measured'
        : `about ${duration(seconds)} (${(operations / 1e12).toPrecision(3)} TFLOP, beside loading)`,
    ],
  ];
}

/** Which SAE lies where, if on more than one device. */
function saesLine({ saes }: PlannedStage): [string, string][] {
  const text = sharedText(
    saes,
    saes.map(({ device }) => device),
  );
  return text === null ? [] : [['', `  ${text}`]];
}

/** @param several whether there are others, so that it says which it is */
function deviceLine({ device, available, ...needs }: DeviceNeeds, several: boolean): [string, string] {
  const names = {
    weights: 'weights of the language model',
    states: 'SAEs',
    step: 'a training step beside them',
    batch: 'a batch and the runtime',
  };
  const sum = Object.values(needs).reduce((total, bytes) => total + bytes, 0);
  const terms = Object.entries(names).flatMap(([name, text]) => {
    const bytes = needs[name as keyof typeof names];
    return bytes === 0 ? [] : [`${text} ${formatBytes(bytes)}`];
  });
  const fits = sum <= available ? 'fits' : 'does not fit';
  const name = several ? `  ${device}` : '  device';
  return [name, `${formatBytes(sum)} of ${formatBytes(available)}, ${fits}: ${terms.join(', ')}`];
}

/** Of many shards the dearest and the cheapest, which differ little where there are more SAEs than shards. */
function shardLines(
  { shards, dominatedFrom }: ShardsPlan,
  rate: Speed | null,
  devices: number,
): [string, string][] {
  const dearest = shards.reduce((a, b) => (b.operations > a.operations ? b : a));
  const cheapest = shards.reduce((a, b) => (b.operations < a.operations ? b : a));
  const total = totalOf(shards);
  const seconds = ({ model, operations }: typeof total): number =>
    secondsOf({ model, saes: operations - model }, rate!);
  const sizes = [...new Set([cheapest, dearest].map(({ saes }) => saes.length))].sort((a, b) => a - b);
  const hours = ((devices * seconds(total)) / 3_600).toPrecision(2);
  const { saes, checkpoints } = dearest.disk;
  return [
    ['', ''],
    ['shards', `${shards.length}, of ${sizes.join(' to ')} SAEs (SAEs of others are not counted)`],
    [
      '  time',
      rate === null
        ? 'unknown: the device is not here to be measured'
        : `about ${duration(seconds(dearest))} for the dearest, ${duration(seconds(cheapest))} for the cheapest; ${hours} device hours in all`,
    ],
    [
      '  model',
      `the language model’s passes are ${Math.round((100 * total.passes) / total.operations)} % of all work${dominatedFrom === null ? ', and never more than half' : `, more than half from ${dominatedFrom} shards on`}`,
    ],
    ['  disk', `of the dearest: SAEs ${formatBytes(saes)}, checkpoints up to ${formatBytes(checkpoints)}`],
  ];
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

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toPrecision(2)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
