/** Which devices are there, and whether each computes right. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { UnavailableError } from '../errors.ts';
import { type DeviceFacts, deviceFacts } from '../onnx/device-facts.ts';
import { type Device, deviceAdvice } from '../onnx/devices.ts';
import type { Check, Finding, Rate } from './checks.ts';

/** Up to this a difference is what another order of summation in float32 leaves. */
const FLOAT32 = 1e-4;
/** Up to this it is what products rounded to TF32 or float16 leave. */
const REDUCED = 1e-2;

export type Verdict =
  /** Every check within float32's rounding. */
  | 'right'
  /** Right to fewer digits: products are rounded to TF32 or float16. */
  | 'reduced precision'
  | 'wrong';

export type Diagnosis =
  | { device: Device; there: false; missing: string; advice: string }
  | {
      device: Device;
      there: true;
      verdict: Verdict;
      operationsPerSecond: number;
      /** Attention kernels of the runtime that give wrong answers there; plain operators stand in for them. */
      wrongKernels: string[];
      checks: Check[];
      rates: Rate[];
    };

/** @param onFinding called with each finding as it comes: a device may take minutes for all of them */
export async function diagnose(device: Device, onFinding: (finding: Finding) => void): Promise<Diagnosis> {
  let facts: DeviceFacts;
  try {
    facts = await deviceFacts(device);
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return { device, there: false, missing: error.complaint.found, advice: deviceAdvice(device) };
  }
  const checks: Check[] = [];
  const rates: Rate[] = [];
  const { ended, said } = await findings(device, facts, (finding) => {
    if ('check' in finding) checks.push(finding.check);
    else rates.push(finding.rate);
    onFinding(finding);
  });
  if (ended !== 'whole') {
    const failed = `the process ended (${ended})${said === '' ? '' : `: ${said}`}`;
    const check: Check = { name: 'every check made', against: 'the list', difference: null, failed };
    checks.push(check);
    onFinding({ check });
  }
  return {
    device,
    there: true,
    verdict: verdictOf(checks),
    operationsPerSecond: facts.operationsPerSecond,
    wrongKernels: Object.entries(facts.kernels).flatMap(([name, right]) => (right ? [] : [name])),
    checks,
    rates,
  };
}

export function verdictOf(checks: readonly Pick<Check, 'difference' | 'rounding'>[]): Verdict {
  const worst = Math.max(
    ...checks.map(({ difference, rounding = 0 }) =>
      difference === null ? Number.POSITIVE_INFINITY : difference <= rounding ? 0 : difference,
    ),
  );
  return worst <= FLOAT32 ? 'right' : worst <= REDUCED ? 'reduced precision' : 'wrong';
}

async function findings(
  device: Device,
  facts: DeviceFacts,
  onFinding: (finding: Finding) => void,
): Promise<{ ended: string; said: string }> {
  const script = fileURLToPath(new URL('./check-device.ts', import.meta.url));
  const child = spawn(process.execPath, [script, device, JSON.stringify(facts)], {
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000);
  });
  const closed = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code === 0 ? 'whole' : (signal ?? `exit code ${code}`)));
  });
  for await (const line of createInterface({ input: child.stdout })) onFinding(JSON.parse(line) as Finding);
  const said = stderr.split('\n').find((line) => /error/i.test(line)) ?? '';
  return { ended: await closed, said: said.slice(0, 200) };
}
