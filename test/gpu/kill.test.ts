/** Training on a device is killed, and goes on from where it was saved: the weights are those of the run that nobody cut. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { whole } from '../sample.ts';
import { howToEnable, testedDevice, webgpuEnvironment } from './software-vulkan.ts';

const environment = await webgpuEnvironment();

/** Twelve steps, a state saved every second. */
const settings = [
  `device=${testedDevice}`,
  'backend=graph',
  'layers=[0]',
  'corpus.rowTokens=32',
  'sae.batchTokens=64',
  'sae.dSae=64',
  'sae.k=4',
  'sae.kAux=8',
  'sae.biasInitSamples=64',
  'training.tokens=768',
  'training.checkpointTokens=128',
];

const program = fileURLToPath(new URL('../job/training.ts', import.meta.url));

/** @param kill after so many passes of its own; undefined lets it end by itself */
async function train(folder: string, kill?: number) {
  const child = spawn(process.execPath, [program, folder, ...settings], { env: environment! });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
    if (kill !== undefined && (out.match(/^at /gm)?.length ?? 0) > kill) child.kill('SIGKILL');
  });
  child.stderr.on('data', (chunk) => {
    errors = (errors + String(chunk)).slice(-2_000);
  });
  const signal = await new Promise<NodeJS.Signals | null>((ended) => {
    child.once('close', (_code, by) => ended(by));
  });
  const lines = out.trim().split('\n');
  const passes = lines.flatMap((line) => (line.startsWith('at ') ? [Number(line.slice(3))] : []));
  return { signal, errors, last: lines.at(-1)!, from: passes[0] ?? 0 };
}

const title = `after SIGKILLs on ${testedDevice} the weights are those of the run that nobody cut, bit for bit`;

it.skipIf(environment === null || !whole)(
  environment === null
    ? `${title} (skipped: ${howToEnable})`
    : `${title}${whole ? '' : ' (npm run test:gpu)'}`,
  { timeout: 1_800_000 },
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'interpboard-device-kill-'));
    try {
      const expected = await train(join(root, 'whole'));
      expect(expected.last, expected.errors).toMatch(/^done [0-9a-f]{64}$/);
      const folder = join(root, 'cut');
      const starts: number[] = [];
      for (const kill of [5, 4]) {
        const cut = await train(folder, kill);
        expect(cut.signal, `${cut.last} ${cut.errors}`).toBe('SIGKILL');
        starts.push(cut.from);
      }
      const end = await train(folder);
      expect(end.last, end.errors).toBe(expected.last);
      starts.push(end.from);
      // Each went on from a later place than the one before it.
      expect(starts[0]).toBe(0);
      expect(starts[1]).toBeGreaterThan(0);
      expect(starts[2]).toBeGreaterThan(starts[1]!);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
);
