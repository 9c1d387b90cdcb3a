/** Run in a process with a WebGPU device: largest differences of checkpoints between it and the CPU, as JSON. */
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { familyOf } from '../../runner/lm/families/index.ts';
import { openLanguageModel } from '../../runner/lm/language-model.ts';

const found: Record<string, { scale: number; residual: number; nll: number }> = {};
for (const folder of process.argv.slice(2)) {
  const checkpoint = await openCheckpoint(folder);
  const hooks = Array.from({ length: familyOf(checkpoint).blocks }, (_, i) => i);
  const tokens = 40;
  const ids = Int32Array.from({ length: 2 * tokens }, (_, i) => (i * 37 + 5) % 101);
  const batch = { ids, rows: 2, tokens, lengths: Int32Array.of(tokens, 13) };
  const answers = [];
  for (const device of ['cpu', 'webgpu'] as const) {
    const model = await openLanguageModel(checkpoint, { hooks, device, maxTokens: 64 });
    const residuals = await model.residuals(batch);
    answers.push({ residuals, nll: await model.losses(0, residuals[0]!, batch) });
    await model.close();
  }
  const [cpu, gpu] = answers as [(typeof answers)[0], (typeof answers)[0]];
  const difference = (a: Float32Array, b: Float32Array): number =>
    a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
  found[folder] = {
    scale: Math.max(
      ...cpu.residuals.map((x) => x.reduce((most, value) => Math.max(most, Math.abs(value)), 0)),
    ),
    residual: Math.max(...cpu.residuals.map((x, i) => difference(x, gpu.residuals[i]!))),
    nll: difference(cpu.nll, gpu.nll),
  };
}
console.log(JSON.stringify(found));
