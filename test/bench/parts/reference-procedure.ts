/**
 * The procedure of the reference evaluation: each layer on its own, a row at a time four times through the whole model, a probe
 * text at a time through it, those of the ablation once more. Here over the segments that ours runs over
 * (`referenceProcedure`), or in transformers and PyTorch (`openPyTorchProcedure`).
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type LanguageModel, lossCount, type TokenBatch } from '../../../runner/lm/language-model.ts';
import type { OpenSae } from '../../../runner/sae/open-sae.ts';
import type { TopKSae } from '../../../runner/sae/sae.ts';

/** What any procedure finds of one layer. */
export interface Found {
  /** Sums of cross entropy, one per row. */
  clean: number[];
  sae: number[];
  zero: number[];
  varExp: number;
  /** [texts, latents] */
  pooled: Float32Array;
}

export interface Task {
  /** All of one width. */
  rows: readonly Int32Array[];
  texts: readonly (readonly number[])[];
  /** How many of the texts go through once more. */
  ablation: number;
}

export interface Timed<T> {
  seconds: number;
  cpu: number;
  found: T;
}

export async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const since = performance.now();
  const used = process.cpuUsage();
  const found = await work();
  const { user, system } = process.cpuUsage(used);
  return { seconds: (performance.now() - since) / 1000, cpu: (user + system) / 1e6, found };
}

/** @param saes one per hook of the model */
export async function referenceProcedure(
  model: LanguageModel,
  saes: readonly OpenSae[],
  { rows, texts, ablation }: Task,
): Promise<Found[]> {
  const d = model.dModel;
  const found: Found[] = [];
  for (const [hook, sae] of saes.entries()) {
    const sums: Pick<Found, 'clean' | 'sae' | 'zero'> = { clean: [], sae: [], zero: [] };
    const mean = new Float64Array(d);
    let squares = 0;
    let errors = 0;
    let tokens = 0;
    for (const ids of rows) {
      const batch: TokenBatch = { ids, rows: 1, tokens: ids.length };
      const sum = (nll: Float32Array): number => nll.reduce((total, each) => total + each, 0);
      const here = async (): Promise<Float32Array> => (await model.residuals(batch, hook)).at(-1)!;
      // Each pass begins at the text and goes to the end, as a model with hooks does.
      const x = await here();
      await model.losses(hook, x, batch);
      const { reconstruction } = await sae.reconstruct(x, batch.tokens);
      for (let at = 0; at < x.length; at++) {
        mean[at % d]! += x[at]!;
        squares += x[at]! ** 2;
        errors += (x[at]! - reconstruction[at]!) ** 2;
      }
      tokens += batch.tokens;
      sums.clean.push(sum(await model.losses(hook, await here(), batch)));
      const again = await sae.reconstruct(await here(), batch.tokens);
      sums.sae.push(sum(await model.losses(hook, again.reconstruction, batch)));
      sums.zero.push(sum(await model.losses(hook, (await here()).fill(0), batch)));
      if (lossCount(batch, 0) !== batch.tokens - 1) throw new Error('rows are full');
    }
    const pooled = new Float32Array(texts.length * sae.d_sae);
    const pool = async (text: number): Promise<void> => {
      const ids = texts[text]!;
      const batch = { ids: Int32Array.from(ids), rows: 1, tokens: ids.length };
      const x = (await model.residuals(batch, hook)).at(-1)!;
      await model.losses(hook, x, batch);
      const { k, values: latents, indices } = await sae.encode(x, ids.length);
      pooled.fill(0, text * sae.d_sae, (text + 1) * sae.d_sae);
      for (let slot = 0; slot < ids.length * k; slot++) {
        pooled[text * sae.d_sae + indices[slot]!]! += latents[slot]! / ids.length;
      }
    };
    for (let text = 0; text < texts.length; text++) await pool(text);
    for (let text = 0; text < ablation; text++) await pool(text);
    const centred = squares - mean.reduce((total, each) => total + each ** 2, 0) / tokens;
    found.push({ ...sums, varExp: 1 - errors / centred, pooled });
  }
  return found;
}

export interface PyTorchProcedure {
  versions: string;
  run(): Promise<Timed<Found[]>>;
  close(): void;
}

/**
 * @param folder of the checkpoint; files are written there
 * @throws Error with the end of what the process said, when it ends by itself
 */
export async function openPyTorchProcedure(
  python: string,
  folder: string,
  layers: readonly number[],
  saes: readonly TopKSae[],
  { rows, texts, ablation }: Task,
  threads: number,
): Promise<PyTorchProcedure> {
  const files = saes.map((_, i) => ({
    W_enc: join(folder, `W_enc-${i}.f32`),
    W_dec: join(folder, `W_dec-${i}.f32`),
    pooled: join(folder, `pooled-${i}.f32`),
  }));
  for (const [i, { W_enc, W_dec }] of saes.entries()) {
    await writeFile(files[i]!.W_enc, W_enc);
    await writeFile(files[i]!.W_dec, W_dec);
  }
  const [first] = saes;
  const job = {
    d: first!.d_in,
    n: first!.d_sae,
    k: first!.k,
    layers,
    rows: rows.map((row) => [...row]),
    texts,
    ablation,
    saes: files,
  };
  await writeFile(join(folder, 'job.json'), JSON.stringify(job));
  const script = fileURLToPath(new URL('./evaluation_peer.py', import.meta.url));
  const child: ChildProcessWithoutNullStreams = spawn(
    python,
    [script, folder, join(folder, 'job.json'), String(threads)],
    { env: { ...process.env, HF_HUB_OFFLINE: '1' } },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the Python program ended: ${said.trim()}`);
    return JSON.parse(value) as T;
  };
  const { versions } = await next<{ versions: string }>();
  return {
    versions,
    async run() {
      child.stdin.write('round\n');
      const {
        seconds,
        cpu,
        layers: found,
      } = await next<{
        seconds: number;
        cpu: number;
        layers: Omit<Found, 'pooled'>[];
      }>();
      const pooled = await Promise.all(
        files.map(async ({ pooled: file }) => {
          const bytes = await readFile(file);
          return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        }),
      );
      return { seconds, cpu, found: found.map((each, i) => ({ ...each, pooled: pooled[i]! })) };
    },
    close: () => void child.kill(),
  };
}
