/**
 * What a device does, in one table: tokens a second of a language model of random weights up to a hook and through the head, of
 * encoding and decoding, of an evaluation's core, of a pass and a step in training in turn and at once, and training steps of TopK SAEs; with each what passes between the host and the
 * runtime in a pass. With INTERPBOARD_PYTHON, a Python with torch and transformers, the same in PyTorch.
 *
 *     npm run bench -- device [--device cuda:0|cuda:0+tf32] [--size tiny|small|large] [--precision bfloat16] [--seconds 3]
 *
 * Tiny is for software Vulkan, whose times say nothing. Large is for cards: a llama of 1.1 billion parameters, and SAEs up to 5,120/65,536/128 as far as memory goes.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { formatBytes } from '../../runner/io/bytes.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { machineMemory } from '../../runner/lm/memory.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { choosePrecision, type PrecisionChoice } from '../../runner/lm/precision.ts';
import { sweep } from '../../runner/lm/sweep.ts';
import { random } from '../../runner/math/random.ts';
import { automaticDevice, deviceFacts } from '../../runner/onnx/device-facts.ts';
import { type Device, executionProvider, parseDevice } from '../../runner/onnx/devices.ts';
import { traffic, trafficSince } from '../../runner/onnx/traffic.ts';
import { silent, stageReporter } from '../../runner/reporter.ts';
import { openSae } from '../../runner/sae/open-sae.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { graphBackend } from '../../runner/train/backends/graph.ts';
import { trainingMemory } from '../../runner/train/device-memory.ts';
import { type Recipe, recipe } from '../../runner/train/recipe.ts';
import { freshState } from '../../runner/train/state.ts';
import { median } from './parts/median.ts';
import { overlapOf } from './parts/overlap.ts';
import { type LlamaSizes, writeRandomLlama } from './parts/random-llama.ts';

interface Size {
  model: LlamaSizes;
  rows: number;
  tokens: number;
  /** d_in, d_sae, k and tokens a step. */
  saes: readonly (readonly [number, number, number, number])[];
}

export const sizes: Readonly<Record<'tiny' | 'small' | 'large', Size>> = {
  tiny: {
    model: {
      width: 16,
      inner: 24,
      blocks: 2,
      heads: 2,
      kvHeads: 1,
      vocabulary: 50,
      context: 32,
      type: 'F32',
    },
    rows: 2,
    tokens: 8,
    saes: [[8, 64, 4, 16]],
  },
  small: {
    model: {
      width: 256,
      inner: 704,
      blocks: 6,
      heads: 8,
      kvHeads: 4,
      vocabulary: 2_048,
      context: 512,
      type: 'F32',
    },
    rows: 4,
    tokens: 128,
    saes: [
      [128, 1_024, 16, 512],
      [256, 4_096, 32, 512],
    ],
  },
  large: {
    model: {
      width: 4_096,
      inner: 14_336,
      blocks: 4,
      heads: 32,
      kvHeads: 8,
      vocabulary: 32_000,
      context: 2_048,
      type: 'BF16',
    },
    rows: 2,
    tokens: 1_024,
    saes: [
      [512, 8_192, 32, 2_048],
      [2_048, 32_768, 64, 2_048],
      [5_120, 65_536, 128, 2_048],
    ],
  },
};

export interface Line {
  what: string;
  ms: number;
  tokens: number;
  given: number;
  taken: number;
  /** Milliseconds in PyTorch; null where it was not asked. */
  theirs: number | null;
}

interface Options {
  device: Device;
  size: Size;
  precision: PrecisionChoice;
  seconds: number;
  python?: string | undefined;
}

/** @param say prints a line that is no part of the table */
export async function measure(
  { device, size, precision: choice, seconds, python }: Options,
  say: (line: string) => void,
): Promise<Line[]> {
  const lines: Line[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-device-'));
  let peer: Peer | undefined;
  try {
    await writeRandomLlama(folder, size.model);
    const checkpoint = await openCheckpoint(folder);
    const precision = choosePrecision(choice, [device], checkpoint);
    if (python !== undefined)
      peer = await startPeer(python, folder, precision, executionProvider(device).tf32 ?? false);
    say(`${device}, the language model in ${precision}${peer === undefined ? '' : `; ${peer.versions}`}`);

    /** Median time of a pass, and what passes between host and runtime in the last. */
    async function timed(what: string, tokens: number, pass: () => Promise<unknown>, asked: string | null) {
      await pass();
      const times: number[] = [];
      let passed = trafficSince(traffic());
      const began = performance.now();
      do {
        const [before, start] = [traffic(), performance.now()];
        await pass();
        times.push(performance.now() - start);
        passed = trafficSince(before);
      } while (performance.now() - began < 1_000 * seconds);
      const theirs = asked === null || peer === undefined ? null : await peer.median(asked, times.length);
      const line = {
        what,
        tokens,
        ms: median(times),
        given: passed.given.bytes,
        taken: passed.taken.bytes,
        theirs,
      };
      lines.push(line);
    }

    const reporter = stageReporter('bench', 'tokens', silent);
    const { rows, tokens } = size;
    const count = rows * tokens;
    const hook = Math.floor(size.model.blocks / 2) - 1;
    const ids = Int32Array.from({ length: count }, (_, i) => (i * 7_919) % size.model.vocabulary);
    const batch = { ids, rows, tokens };
    const opening = { hooks: [hook], device, precision, maxTokens: tokens };
    const model = await openLanguageModel(checkpoint, opening);
    const [d_in, d_sae] = [size.model.width, 4 * size.model.width];
    const sae = await openSae(randomSae(d_in, d_sae, 32), { device });
    try {
      const [x] = await model.residuals(batch);
      await timed(
        `language model to block ${hook}`,
        count,
        () => model.residuals(batch),
        `hook ${hook} ${rows} ${tokens}`,
      );
      const clean = [{ see: async () => [], clean: () => undefined }];
      await timed(
        'language model, losses',
        count,
        () => sweep(model, [batch], clean, { reporter }),
        `full ${rows} ${tokens}`,
      );
      await timed(
        `SAE ${d_in}/${d_sae}/32, encode and decode`,
        count,
        () => sae.reconstruct(x!, count),
        null,
      );
      const spliced = {
        clean: () => undefined,
        async see({ residual }: { residual: Float32Array }) {
          const { reconstruction } = await sae.reconstruct(residual, count);
          return [{ residual: reconstruction, ended: () => undefined }];
        },
      };
      await timed(
        'evaluation: losses clean and with the SAE',
        count,
        () => sweep(model, [batch], [spliced], { reporter }),
        null,
      );
      const trained = recipe.parse({ dSae: d_sae, k: 32, kAux: d_in / 2, batchTokens: count });
      // On a CPU half of the cores each, in threads of their own, as a run has them there.
      const halves = { aside: true, threads: Math.max(1, Math.floor(availableParallelism() / 2)) };
      const running = device === 'cpu' ? halves : {};
      const beside =
        device === 'cpu' ? await openLanguageModel(checkpoint, { ...opening, ...halves }) : model;
      const state = freshState(randomWeights(d_in, d_sae));
      const session = await graphBackend({ device, ...running }).init(trained, d_in, state);
      try {
        const { ways, ratio, pairs } = await overlapOf(beside, batch, session, seconds);
        for (const { what, ...line } of ways)
          lines.push({ what: `training ${d_in}/${d_sae}/32, ${what}`, tokens: count, theirs: null, ...line });
        say(
          `training, both at once: ${ratio.toFixed(2)} times as fast as in turn (median of ${pairs} pairs)${device === 'cpu' || device.startsWith('cuda') ? '' : '; this device has one run at a time'}`,
        );
      } finally {
        await session.close();
        if (beside !== model) await beside.close();
      }
    } finally {
      await sae.close();
      await model.close();
    }

    const free = (await deviceFacts(device)).memory?.free ?? machineMemory();
    for (const shape of size.saes) {
      const [d, n, k, B] = shape;
      const settings = recipe.parse({ dSae: n, k, kAux: Math.floor(d / 2), batchTokens: B });
      const { states, step } = trainingMemory([{ d_in: d, recipe: settings }], [device]);
      const name = `training step ${shape.slice(0, 3).join('/')}, ${B} tokens`;
      if (states + step > free) {
        say(`${name}: left out, ${formatBytes(states + step)} of ${formatBytes(free)}`);
        continue;
      }
      const session = await openStepping(device, settings, d);
      try {
        await timed(name, B, session.step, `step ${shape.join(' ')}`);
      } finally {
        await session.close();
      }
    }
    return lines;
  } finally {
    peer?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openStepping(device: Device, settings: Recipe, d_in: number) {
  const session = await graphBackend({ device }).init(
    settings,
    d_in,
    freshState(randomWeights(d_in, settings.dSae)),
  );
  const stream = random('bench device', d_in);
  const x = Float32Array.from({ length: settings.batchTokens * d_in }, () => stream.next() - 0.5);
  return {
    step: () => session.step(x, { learningRate: 1e-4, dead: new Int32Array(0) }),
    close: () => session.close(),
  };
}

function randomSae(d_in: number, d_sae: number, k: number) {
  return topKSae({ d_in, d_sae, k, ...randomWeights(d_in, d_sae) });
}

function randomWeights(d_in: number, d_sae: number) {
  const stream = random('bench device', 'sae');
  const draw = (length: number) => Float32Array.from({ length }, () => d_in ** -0.5 * (stream.next() - 0.5));
  return {
    W_enc: draw(d_in * d_sae),
    W_dec: draw(d_in * d_sae),
    b_enc: new Float32Array(d_sae),
    b_dec: new Float32Array(d_in),
  };
}

interface Peer {
  versions: string;
  /** Milliseconds of a pass, after one that does not count. */
  median(line: string, rounds: number): Promise<number>;
  close(): void;
}

/** @param tf32 whether products of float32 are in TF32, so that both compute alike */
async function startPeer(python: string, folder: string, precision: string, tf32: boolean): Promise<Peer> {
  const script = fileURLToPath(new URL('./parts/device_peer.py', import.meta.url));
  const child: ChildProcessWithoutNullStreams = spawn(
    python,
    [script, folder, precision, ...(tf32 ? ['tf32'] : [])],
    {
      env: { ...process.env, HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' },
    },
  );
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await answers.next();
    if (done) throw new Error(`the Python program ended: ${complaints.trim().split('\n').at(-1)}`);
    return value;
  };
  const ask = async (line: string): Promise<number> => {
    child.stdin.write(`${line}\n`);
    return Number(await next());
  };
  return {
    versions: await next(),
    async median(line, rounds) {
      await ask(line);
      const times: number[] = [];
      for (let i = 0; i < Math.min(rounds, 20); i++) times.push(await ask(line));
      return median(times);
    },
    close: () => child.stdin.end(),
  };
}

export function tableOf(lines: readonly Line[]): string {
  const cells = lines.map(({ what, ms, tokens, given, taken, theirs }) => [
    what,
    ms.toPrecision(3),
    Math.round((1_000 * tokens) / ms).toLocaleString('en'),
    formatBytes(given),
    formatBytes(taken),
    theirs === null ? '–' : theirs.toPrecision(3),
    theirs === null ? '–' : (theirs / ms).toFixed(2),
  ]);
  const table = [['', 'ms', 'tokens/s', 'to the device', 'back', 'PyTorch ms', 'ratio'], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      device: { type: 'string' },
      size: { type: 'string' },
      precision: { type: 'string', default: 'auto' },
      seconds: { type: 'string', default: '3' },
    },
  });
  const device = values.device === undefined ? (await automaticDevice()).device : parseDevice(values.device);
  const asked = values.size ?? (device.startsWith('cuda') ? 'large' : 'small');
  const size = sizes[asked as keyof typeof sizes];
  if (size === undefined) throw new RangeError(`--size: found ${asked}; expected tiny, small or large`);
  const lines = await measure(
    {
      device,
      size,
      precision: values.precision as PrecisionChoice,
      seconds: Number(values.seconds),
      python: process.env.INTERPBOARD_PYTHON,
    },
    console.log,
  );
  console.log(tableOf(lines));
}
