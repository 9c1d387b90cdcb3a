/**
 * The embedded language model on rows of 256 tokens: up to the last hook (what training waits for) and from a hook to
 * the losses. One thread and two take turns; medians.
 */
import { cpus } from 'node:os';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { random } from '../../runner/math/random.ts';
import { median } from './parts/median.ts';

const rows = 8;
const tokens = 256;
const rounds = 15;
const checkpoint = await openCheckpoint(demoModelFolder);
const stream = random('bench');

const cases = await Promise.all(
  [1, 2].map(async (threads) => {
    const model = await openLanguageModel(checkpoint, { hooks: [0, 2, 4], threads, maxTokens: tokens });
    return { threads, model, prefix: [] as number[], losses: [] as number[] };
  }),
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
for (const { threads, model, prefix, losses } of cases) {
  for (const [what, times] of [
    ['residuals, blocks 0-4', prefix],
    ['losses from hook 2', losses],
  ] as const) {
    const middle = median(times);
    const rate = Math.round((rows * tokens * 1_000) / middle).toLocaleString('en');
    console.log(
      `${what.padEnd(22)} ${threads} thread${threads > 1 ? 's' : ' '} ${middle.toFixed(1).padStart(7)} ms, ${rate} tokens/s`,
    );
  }
  await model.close();
}
