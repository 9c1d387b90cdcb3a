/**
 * Evaluation of three layers against the procedure of the reference evaluation, over the same segments. There each layer is
 * evaluated on its own. A row at a time, the text goes through the whole model four times: for the activations, clean, with the
 * SAE spliced in, and with zero spliced in. A text at a time, the probe texts go through; those of the ablation go through once
 * more. Both give the same numbers, or this fails.
 *
 * A pass of the reference procedure over a probe text ends with the model, as that of a hooked model does; the ratio is
 * given also for one that ends at the hook. In ours it ends at the last hook. Ours also measures the mean ablation.
 *
 * Sizes are in the proportion of the reference run, 1 to 61: there 250,000 tokens, 2 × 1,500 probe texts and 1,000 again; the
 * texts keep their lengths. The language model is a random llama, large enough to cost more than its SAEs, as real ones do (the
 * embedded model costs about as much as its SAEs). On a CPU one text alone is computed about as fast a token as many
 * together; on a GPU, for which batching counts most, the ratio is another. Scoring is the same code for both and is left
 * out of both. Then, of ours alone: the time against tokens and against SAEs, and the memory.
 *
 *     node test/bench/evaluation.ts [--rows 16] [--texts 25] [--rounds 3]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { demoModelFolder, demoRow, probeSet } from '../../runner/demo/index.ts';
import { type HookSaes, observe } from '../../runner/evaluation/observation.ts';
import { observeProbes } from '../../runner/evaluation/probe-pass.ts';
import { observeTokens } from '../../runner/evaluation/token-pass.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { lossCount, openLanguageModel, type TokenBatch } from '../../runner/lm/language-model.ts';
import { random } from '../../runner/math/random.ts';
import { resampleRows } from '../../runner/metrics/bootstrap.ts';
import type { SparseFeatures } from '../../runner/probes/features.ts';
import { type OpenSae, openSae } from '../../runner/sae/open-sae.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { reconstructionSuite } from '../../runner/suites/reconstruction.ts';
import { loadTokenizer } from '../../runner/text/tokenizer.ts';
import { writeRandomLlama } from './parts/random-llama.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '16' },
    texts: { type: 'string', default: '25' },
    rounds: { type: 'string', default: '3' },
  },
});
/** At the depths of the reference release: 11, 31 and 55 of 64. */
const layers = [2, 7, 13];
const sizes = {
  width: 256,
  inner: 704,
  blocks: 16,
  heads: 8,
  kvHeads: 4,
  vocabulary: 8_192,
  context: 512,
  type: 'F32',
} as const;
const TOKENS = 256;
const ROWS_A_BATCH = 8;
/** Of the probe texts, those that the ablation is measured on: InterpScore has 1,500 and 1,000. */
const ABLATION_SHARE = 2 / 3;
const folder = mkdtempSync(join(tmpdir(), 'interpboard-evaluation-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const { parameters } = await writeRandomLlama(folder, sizes);
const model = await openLanguageModel(await openCheckpoint(folder), {
  hooks: layers,
  maxTokens: TOKENS,
});
const tokenizer = await loadTokenizer(demoModelFolder);
const d = model.dModel;
const silent = { progress: () => undefined, note: () => undefined, stopRequested: () => false };

async function saeOf(key: string): Promise<OpenSae> {
  const stream = random('bench sae', key);
  const n = 1_024;
  const W_dec = Float32Array.from({ length: n * d }, () => stream.gaussian() / Math.sqrt(d));
  const W_enc = new Float32Array(n * d);
  for (let j = 0; j < n; j++) for (let i = 0; i < d; i++) W_enc[i * n + j] = W_dec[j * d + i]!;
  const biases = { b_enc: new Float32Array(n), b_dec: new Float32Array(d) };
  return openSae(topKSae({ d_in: d, d_sae: n, k: 32, W_enc, W_dec, ...biases }));
}

function textRows(count: number): Int32Array[] {
  const ids: number[] = [];
  for (let row = 0; ids.length < count * TOKENS; row++) {
    const { text } = demoRow('prose', 11, row) as { text: string };
    ids.push(...tokenizer.encode(text, { specialTokens: false }));
  }
  return Array.from({ length: count }, (_, i) => Int32Array.from(ids.slice(i * TOKENS, (i + 1) * TOKENS)));
}

function batchesOf(rows: readonly Int32Array[], size: number): TokenBatch[] {
  const batches: TokenBatch[] = [];
  for (let from = 0; from < rows.length; from += size) {
    const part = rows.slice(from, from + size);
    const ids = new Int32Array(part.length * TOKENS);
    part.forEach((row, i) => {
      ids.set(row, i * TOKENS);
    });
    batches.push({ ids, rows: part.length, tokens: TOKENS });
  }
  return batches;
}

/** What both procedures find of one layer. */
interface Found {
  clean: number[];
  sae: number[];
  zero: number[];
  varExp: number;
  /** [texts, latents] */
  pooled: Float32Array;
}

const rows = textRows(Number(values.rows));
const texts = ['toxicity', 'sentiment'].flatMap((name) =>
  probeSet(name as 'toxicity' | 'sentiment', 0, Number(values.texts)).map(({ text }) =>
    tokenizer.encode(text, { specialTokens: true }),
  ),
);

function denseOf({ rows, columns, entries }: SparseFeatures): Float32Array {
  const values = new Float32Array(rows * columns);
  entries.forEach((row, i) => {
    row.indices.forEach((column, entry) => {
      values[i * columns + column] = row.values[entry]!;
    });
  });
  return values;
}

async function ours(saes: readonly OpenSae[]): Promise<Found[]> {
  const hooks: HookSaes[] = layers.map((layer, i) => ({ layer, saes: [saes[i]!] }));
  const tokens = observeTokens(d, hooks, batchesOf(rows, ROWS_A_BATCH));
  const probes = observeProbes(
    d,
    hooks,
    texts.map((ids) => ({ ids })),
    { residual: false },
  );
  await observe(model, [tokens, probes], async () => ({ reporter: silent }));
  const pooled = probes.found();
  return tokens.found().map(({ tables, losses }, hook) => {
    const [of] = losses;
    const [suite] = reconstructionSuite(tables, resampleRows(rows.length, { count: 0 }));
    return {
      clean: [...of!.clean],
      sae: [...of!.sae],
      zero: [...of!.zero],
      varExp: suite!.statistics['var_exp@pooled-v1'].value ?? Number.NaN,
      pooled: denseOf(pooled[hook]!.latents[0]!),
    };
  });
}

/** Of the reference procedure, what probe texts took behind the hook. */
const behind = { seconds: 0, cpu: 0 };

async function reference(saes: readonly OpenSae[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const [hook, sae] of saes.entries()) {
    const sums: Pick<Found, 'clean' | 'sae' | 'zero'> = { clean: [], sae: [], zero: [] };
    const mean = new Float64Array(d);
    let squares = 0;
    let errors = 0;
    let tokens = 0;
    for (const batch of batchesOf(rows, 1)) {
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
      if (lossCount(batch, 0) !== TOKENS - 1) throw new Error('rows are full');
    }
    const pooled = new Float32Array(texts.length * sae.d_sae);
    const pool = async (text: number): Promise<void> => {
      const ids = texts[text]!;
      const batch = { ids: Int32Array.from(ids), rows: 1, tokens: ids.length };
      const x = (await model.residuals(batch, hook)).at(-1)!;
      const rest = await timed(() => model.losses(hook, x, batch));
      behind.seconds += rest.seconds;
      behind.cpu += rest.cpu;
      const { k, values: latents, indices } = await sae.encode(x, ids.length);
      pooled.fill(0, text * sae.d_sae, (text + 1) * sae.d_sae);
      for (let slot = 0; slot < ids.length * k; slot++) {
        pooled[text * sae.d_sae + indices[slot]!]! += latents[slot]! / ids.length;
      }
    };
    for (let text = 0; text < texts.length; text++) await pool(text);
    // The ablation of the first task.
    for (let text = 0; text < (texts.length / 2) * ABLATION_SHARE; text++) await pool(text);
    const centred = squares - mean.reduce((total, each) => total + each ** 2, 0) / tokens;
    found.push({ ...sums, varExp: 1 - errors / centred, pooled });
  }
  return found;
}

/** Largest difference, relative to the largest value. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < a.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return worst / scale;
}

const median = (all: number[]): number => all.toSorted((x, y) => x - y)[all.length >> 1]!;
async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; cpu: number; found: T }> {
  const since = performance.now();
  const used = process.cpuUsage();
  const found = await work();
  const { user, system } = process.cpuUsage(used);
  return { seconds: (performance.now() - since) / 1000, cpu: (user + system) / 1e6, found };
}

const saes = await Promise.all(layers.map((layer) => saeOf(`${layer}`)));
const ratios: number[] = [];
const cpuRatios: number[] = [];
/** The same where probe texts end at the hook. */
const hookRatios: number[] = [];
const hookCpuRatios: number[] = [];
const seconds = { ours: [] as number[], reference: [] as number[] };
let worst = 0;
await ours(saes);
for (let round = 0; round < Number(values.rounds); round++) {
  const mine = await timed(() => ours(saes));
  Object.assign(behind, { seconds: 0, cpu: 0 });
  const theirs = await timed(() => reference(saes));
  ratios.push(theirs.seconds / mine.seconds);
  cpuRatios.push(theirs.cpu / mine.cpu);
  hookRatios.push((theirs.seconds - behind.seconds) / mine.seconds);
  hookCpuRatios.push((theirs.cpu - behind.cpu) / mine.cpu);
  seconds.ours.push(mine.seconds);
  seconds.reference.push(theirs.seconds);
  for (const [hook, found] of mine.found.entries()) {
    const other = theirs.found[hook]!;
    for (const name of ['clean', 'sae', 'zero', 'pooled'] as const) {
      worst = Math.max(worst, difference(found[name], other[name]));
    }
    worst = Math.max(worst, Math.abs(found.varExp - other.varExp));
  }
}
const ratio = median(ratios);
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores; llama of ${(parameters / 1e6).toFixed(1)} M parameters`,
);
console.log(
  `3 layers, ${rows.length} rows of ${TOKENS} tokens, 2 × ${values.texts} probe texts: reference procedure ${median(seconds.reference).toFixed(2)} s, ours ${median(seconds.ours).toFixed(2)} s`,
);
console.log(
  `ratio ${ratio.toFixed(1)} of the time (at least 5), ${median(cpuRatios).toFixed(1)} of the CPU; largest difference ${worst.toExponential(1)} (at most 1e-4)`,
);
console.log(
  `where the probe passes of the reference procedure end at the hook: ${median(hookRatios).toFixed(1)} of the time, ${median(hookCpuRatios).toFixed(1)} of the CPU`,
);
if (ratio < 5 || !(worst <= 1e-4)) process.exitCode = 1;

console.log('\nours against tokens (1 SAE a layer) and against SAEs a layer (the fewest tokens)');
const base = Number(values.rows) / 4;
const extra = await Promise.all(['a', 'b', 'c'].map(saeOf));
for (const [factor, many] of [
  [1, 1],
  [2, 1],
  [4, 1],
  [1, 2],
  [1, 4],
] as const) {
  const text = textRows(base * factor);
  const hooks = layers.map((layer, i) => ({ layer, saes: [saes[i]!, ...extra].slice(0, many) }));
  const times: number[] = [];
  let rss = 0;
  for (let round = 0; round < 2; round++) {
    const work = async (): Promise<void> => {
      const tokens = observeTokens(d, hooks, batchesOf(text, ROWS_A_BATCH));
      await observe(model, [tokens], async () => ({
        reporter: { ...silent, progress: () => (rss = Math.max(rss, process.memoryUsage.rss())) },
      }));
    };
    times.push((await timed(work)).seconds);
  }
  const time = median(times);
  const each = (1e6 * time) / (text.length * TOKENS);
  console.log(
    `${String(text.length * TOKENS).padStart(7)} tokens, ${many} SAE${many > 1 ? 's' : ' '} a layer: ${time.toFixed(2).padStart(6)} s, ${each.toFixed(0).padStart(5)} µs a token, ${(rss / 2 ** 20).toFixed(0)} MB`,
  );
}
for (const sae of [...saes, ...extra]) await sae.close();
await model.close();
