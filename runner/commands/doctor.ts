/** `doctor`: what this machine can do. Devices found, whether each computes right, how fast, and what is missing. */
import type { Finding } from '../doctor/checks.ts';
import { type Diagnosis, diagnose } from '../doctor/diagnose.ts';
import { type Machine, readMachine } from '../doctor/machine.ts';
import { formatBytes } from '../io/bytes.ts';
import { AUTO, type Device, executionProvider, listedDevices } from '../onnx/devices.ts';
import { optionLines } from './option-lines.ts';
import { parseOptions } from './parse-options.ts';
import { everyVerb } from './shared-options.ts';

const options = {
  device: {
    type: 'string',
    help: 'devices to check, such as cpu or cuda:0+tf32,cuda:1; default all that this system can have',
  },
  json: { type: 'boolean', help: 'print JSON, for a bug report or another program' },
  ...everyVerb,
} as const;

/** Exit codes: 0 when every device asked for is there and right; unasked, when the best device that is there is. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseOptions('doctor', args, options);
  if (values.help) {
    console.log(help());
    return 0;
  }
  const say = values.json ? () => {} : (line: string) => console.log(line);
  const machine = await readMachine();
  for (const line of describe(machine)) say(line);
  const asked = values.device !== undefined && values.device !== AUTO;
  const devices = asked ? listedDevices(values.device!) : candidates(machine);
  const diagnoses: Diagnosis[] = [];
  for (const device of devices) {
    say(`\n${device}`);
    const diagnosis = await diagnose(device, (finding) => say(`  ${lineOf(finding)}`));
    for (const line of conclusion(diagnosis)) say(`  ${line}`);
    diagnoses.push(diagnosis);
  }
  const chosen = asked ? diagnoses : diagnoses.filter(({ there }) => there).slice(0, 1);
  const healthy = chosen.length > 0 && chosen.every((each) => each.there && each.verdict !== 'wrong');
  if (values.json) console.log(JSON.stringify({ machine, devices: diagnoses, healthy }, null, 2));
  else if (!asked && chosen[0] !== undefined) say(`\n--device auto takes ${chosen[0].device} here.`);
  return healthy ? 0 : 4;
}

/** In the order in which `auto` prefers them; a card also as it computes in TF32, which must be asked for. */
function candidates({ system, nvidia, cudaProvider }: Machine): Device[] {
  const cuda = nvidia.flatMap((_, i): Device[] => [`cuda:${i}`, `cuda:${i}+tf32`]);
  const platform = system.split(' ', 1)[0];
  return [
    ...(cuda.length === 0 && cudaProvider ? (['cuda:0'] as const) : cuda),
    'webgpu',
    ...(platform === 'darwin' ? (['coreml'] as const) : []),
    ...(platform === 'win32' ? (['dml'] as const) : []),
    'cpu',
  ];
}

function describe(machine: Machine): string[] {
  const { versions, nvidia } = machine;
  const vectors = machine.vectors === null ? '' : ` (${machine.vectors.join(', ')})`;
  return [
    `system     ${machine.system}, Node ${versions.node}, onnxruntime ${versions.onnxruntime} (${machine.binding === 'c-api' ? 'C API' : 'JavaScript'}), interpboard ${versions.interpboard}`,
    `processor  ${machine.processor}, ${machine.cores} cores${vectors}`,
    `memory     ${formatBytes(machine.memoryBytes)}, ${formatBytes(machine.freeDiskBytes)} free on this disk`,
    ...(nvidia.length === 0
      ? ['nvidia     no driver answers']
      : nvidia.map(({ name, memory, driver }) => `nvidia     ${name}, ${memory}, driver ${driver}`)),
    `cuda       provider ${machine.cudaProvider ? 'installed' : 'not installed (npx interpboard cuda fetches it on Linux x64)'}`,
  ];
}

function lineOf(finding: Finding): string {
  if ('rate' in finding) {
    const { name, tokensPerSecond } = finding.rate;
    return `${name.padEnd(48)} ${Math.round(tokensPerSecond).toLocaleString('en')} tokens/s`;
  }
  const { name, against, difference, failed } = finding.check;
  return `${name.padEnd(48)} ${difference === null ? `failed: ${failed}` : `${difference.toExponential(1)} from ${against}`}`;
}

function conclusion(diagnosis: Diagnosis): string[] {
  if (!diagnosis.there) return [`not there: ${diagnosis.missing}. ${diagnosis.advice}`];
  const { verdict, wrongKernels, operationsPerSecond } = diagnosis;
  const replaced =
    wrongKernels.length === 0
      ? []
      : [`attention kernels ${wrongKernels.join(', ')} give wrong answers; plain operators stand in`];
  const { tf32 = false } = executionProvider(diagnosis.device);
  const words = {
    right: 'computes right',
    'reduced precision': tf32
      ? 'computes right to the digits of TF32, which +tf32 asks for'
      : 'computes right to fewer digits than float32, which was asked for (products in TF32 or float16)',
    wrong: 'computes wrong or not at all: do not use it; please report it with the output of --json',
  } as const;
  return [
    ...replaced,
    `${words[verdict]}; ${Math.round(operationsPerSecond / 1e9).toLocaleString('en')} GFLOP/s in a float32 product`,
  ];
}

function help(): string {
  const lines = optionLines(options);
  return [
    'usage: npx interpboard doctor [options]',
    '',
    'Checks the devices of this machine against the CPU.',
    '',
    ...lines,
  ].join('\n');
}
