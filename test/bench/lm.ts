/**
 * The embedded language model on rows of 256 tokens: up to the last hook (what training waits for) and from a hook to
 * the losses. One thread and two take turns, each with the attention that a CPU is given and with keys in blocks; medians.
 */
import { cpus } from 'node:os';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { random } from '../../runner/math/random.ts';
import { allKernels } from '../../runner/onnx/kernels.ts';
import { median } from './parts/median.ts';

const rows = 8;
const tokens = 256;
const rounds = 15;
const checkpoint = await openCheckpoint(demoModelFolder);
const stream = random('bench');

const cases = await Promise.all(
  [1, 2].flatMap((threads) =>
    [false, true].map(async (alwaysInBlocks) => {
      const kernels = { ...allKernels, alwaysInBlocks };
      const options = { hooks: [0, 2, 4], threads, maxTokens: tokens, kernels };
      const model = await openLanguageModel(checkpoint, options);
      return { threads, alwaysInBlocks, model, prefix: [] as number[], losses: [] as number[] };
    }),
  ),
);
const ids = Int32Array.from({ length: rows * tokens }, () => stream.integer(2_000));
const batch = { ids, rows, tokens };
for (let round = -2; round < rounds; round++) {
  for (const { model, prefix, losses } of cases) {
    const start = performance.now();
    const residuals = await model.residuals(batch);
    const middle = performance.now();
    await model.losses(1, residuals[1]!, batch);
    if (round < 0) continue;
    prefix.push(middle - start);
    losses.push(performance.now() - middle);
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, ${rounds} rounds of ${rows} x ${tokens} tokens`,
);
for (const { threads, prefix, losses, ...one } of cases.filter(({ alwaysInBlocks }) => !alwaysInBlocks)) {
  const inBlocks = cases.find((other) => other.threads === threads && other.alwaysInBlocks)!;
  for (const [what, times, others] of [
    ['residuals, blocks 0-4', prefix, inBlocks.prefix],
    ['losses from hook 2', losses, inBlocks.losses],
  ] as const) {
    const middle = median(times);
    const rate = Math.round((rows * tokens * 1_000) / middle).toLocaleString('en');
    const ratio = median(others.map((other, round) => other / times[round]!));
    console.log(
      `${what.padEnd(22)} ${threads} thread${threads > 1 ? 's' : ' '} ${middle.toFixed(1).padStart(7)} ms, ${rate} tokens/s; keys in blocks take ${ratio.toFixed(2)} times as long`,
    );
  }
  await one.model.close();
  await inBlocks.model.close();
}
