/** `plan` in words: a name and what it says, line by line. */

import { hookName } from '../hook.ts';
import { formatBytes } from '../io/bytes.ts';
import type { DeviceNeeds, PlannedStage, RunPlan } from '../job/run/plan.ts';
import { type ShardsPlan, totalOf } from '../job/shards/plan-shards.ts';
import { sharedText } from '../job/shared/sae-devices.ts';
import { counted } from '../report/counted.ts';

/** Share of a plain product's rate that whole models reach, as measured on CPUs (0.5 to 0.8). */
const REACHED = 0.6;

/** Operations a second: of the language model, in the run's precision, and of SAEs, in float32. */
export interface Speed {
  model: number;
  saes: number;
}

export interface PlanFacts {
  model: string;
  /** Of the files that a run reads: all bytes, and those that are not on this machine yet; null where the model lies here. */
  files: { bytes: number; missing: number } | null;
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
  /** The second model of a crosscoder; null without one. */
  other: { model: string; files: PlanFacts['files']; plan: RunPlan } | null;
  shards: ShardsPlan | null;
  /** Of each device; null where it is not there. */
  speeds: Record<string, Speed | null>;
}

export function planText(facts: PlanFacts): string {
  const { plan } = facts;
  const speeds = Object.entries(facts.speeds);
  const known = speeds.flatMap(([, speed]) => speed ?? []);
  const slowest =
    known.length < speeds.length
      ? null
      : {
          model: Math.min(...known.map(({ model }) => model)),
          saes: Math.min(...known.map(({ saes }) => saes)),
        };
  const lines: [string, string][] = [
    ...modelLines({ ...facts, name: 'model' }),
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
  if (facts.other !== null) {
    lines.push(['', ''], ...modelLines({ ...facts.other, name: 'and' }));
    for (const stage of facts.other.plan.stages) lines.push(...stageLines(stage, facts.freeDisk, slowest));
  }
  if (facts.shards !== null) lines.push(...shardLines(facts.shards, slowest, speeds.length));
  return inColumns(lines);
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function modelLines({
  name,
  model,
  files,
  plan,
}: Pick<PlanFacts, 'model' | 'files' | 'plan'> & { name: string }): [string, string][] {
  return [
    [name, model],
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
  ];
}

export function inColumns(lines: readonly (readonly [string, string])[]): string {
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
    ...(stage.activations === null
      ? []
      : [['', `  activations ${stage.activations}`] satisfies [string, string]]),
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
    step: 'a step beside them',
    activations: 'activations',
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
    [
      'shards',
      `${shards.length}, of ${sizes.length === 1 ? counted(sizes[0]!, 'SAE') : `${sizes.join(' to ')} SAEs`} (SAEs of others are not counted)`,
    ],
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

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toPrecision(2)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
