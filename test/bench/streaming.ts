/**
 * A model of 106 million parameters held whole and loaded in parts: the same losses, and the peak memory of a process
 * of each. The checkpoint is random, made in a temporary folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../runner/io/hash.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { spillStore } from '../../runner/lm/spill-store.ts';
import { sweep } from '../../runner/lm/sweep.ts';
import { hundredMillion, writeRandomLlama } from './parts/random-llama.ts';

const rows = 2;
const tokens = 256;
const count = 16;
const MB = 1e6;

interface Result {
  resident: boolean;
  segments: number;
  largest: number;
  weights: number;
  /** Peak memory of the process, and what it had before the model was opened. */
  peak: number;
  before: number;
  seconds: number;
  /** Of every loss, in order. */
  losses: string;
}

/** The process that is measured. `memory` 0 is no limit. */
async function measure(folder: string, memory: number): Promise<Result> {
  const checkpoint = await openCheckpoint(folder);
  const before = process.memoryUsage.rss();
  const began = performance.now();
  const model = await openLanguageModel(checkpoint, {
    hooks: [2, 5],
    maxTokens: tokens,
    ...(memory > 0 ? { memory } : {}),
  });
  const batches = Array.from({ length: count }, (_, b) => ({
    ids: Int32Array.from({ length: rows * tokens }, (_, i) => (i * 7919 + b * 104_729) % 32_000),
    rows,
    tokens,
  }));
  const losses: Float32Array[] = [];
  const store = await spillStore({ folder: join(folder, 'spill'), memory: 0 });
  await sweep(
    model,
    batches,
    [
      {
        // Stands for an SAE's reconstruction.
        see: async ({ residual }) => [
          { residual: residual.map((value) => value * 0.9), ended: ({ nll }) => losses.push(nll) },
        ],
        clean: (_index, _batch, nll) => losses.push(nll),
      },
    ],
    {
      reporter: { progress: () => undefined, note: () => undefined, stopRequested: () => false },
      together: model.resident ? 1 : count,
      store,
    },
  );
  await store.close();
  const { segments, resident } = model;
  await model.close();
  return {
    resident,
    segments: segments.length,
    largest: Math.max(...segments.map(({ bytes }) => bytes)),
    weights: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    peak: process.resourceUsage().maxRSS * 1024,
    before,
    seconds: (performance.now() - began) / 1000,
    losses: sha256(
      Buffer.concat(losses.map((nll) => new Uint8Array(nll.buffer, nll.byteOffset, nll.byteLength))),
    ),
  };
}

const [folder, memory] = process.argv.slice(2);
if (folder !== undefined) {
  console.log(JSON.stringify(await measure(folder, Number(memory))));
} else {
  const made = await mkdtemp(join(tmpdir(), 'interpboard-streaming-'));
  try {
    const { parameters } = await writeRandomLlama(made, hundredMillion);
    await writeFile(join(made, 'made'), '');
    console.log(
      `${(parameters / MB).toFixed(1)} M parameters in float32, ${count} batches of ${rows} x ${tokens} tokens, hooks 2 and 5, one branch a hook`,
    );
    const logits = 4 * rows * tokens * hundredMillion.vocabulary;
    console.log(
      `the logits of a batch take ${Math.round(logits / MB)} MB; the head holds up to three such arrays`,
    );
    const results = [0, 99 * MB].map((limit): Result => {
      const printed = execFileSync(process.execPath, [fileURLToPath(import.meta.url), made, String(limit)]);
      const result = JSON.parse(printed.toString()) as Result;
      const mb = (bytes: number): string => `${Math.round(bytes / MB)} MB`.padStart(8);
      console.log(
        `${result.resident ? 'held whole     ' : 'loaded in parts'} ${String(result.segments).padStart(2)} segments, largest ${mb(result.largest)}; peak ${mb(result.peak)}, above the start ${mb(result.peak - result.before)}; ${result.seconds.toFixed(1)} s`,
      );
      return result;
    });
    const same = new Set(results.map(({ losses }) => losses)).size === 1;
    console.log(same ? 'the losses are the same in every bit' : 'error: the losses differ');
    if (!same) process.exitCode = 1;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}
