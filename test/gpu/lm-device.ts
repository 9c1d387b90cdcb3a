/** Run in a process with a WebGPU device: largest differences of checkpoints between it and the CPU, as JSON. */
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { familyOf } from '../../runner/lm/families/index.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { openReadout } from '../../runner/lm/readout.ts';
import type { Device } from '../../runner/onnx/devices.ts';
import { traffic, trafficSince } from '../../runner/onnx/traffic.ts';

const [devices, ...folders] = process.argv.slice(2);
const found: {
  scale: number;
  residual: number;
  nll: number;
  raised: boolean;
  devices: string[];
  /** Tensors that went to the devices, and that came back. */
  passed: [number, number];
}[] = [];
for (const folder of folders) {
  const checkpoint = await openCheckpoint(folder);
  const hooks = Array.from({ length: familyOf(checkpoint).blocks }, (_, i) => i);
  // Longer than the 32 tokens from which on the runtime changes to another kernel.
  const tokens = 40;
  const ids = Int32Array.from({ length: 2 * tokens }, (_, i) => (i * 37 + 5) % 101);
  const batch = { ids, rows: 2, tokens, lengths: Int32Array.of(tokens, 13) };
  const answers = [];
  const raised: string[] = [];
  for (const device of ['cpu', devices!.split(',') as Device[]] as const) {
    const model = await openLanguageModel(checkpoint, { hooks, device, maxTokens: 64 });
    const before = traffic();
    const residuals = await model.residuals(batch);
    const { given, taken } = trafficSince(before);
    const used = model.segments.map((segment) => segment.device);
    answers.push({
      residuals,
      passed: [given.tensors, taken.tensors] as [number, number],
      nll: await model.losses(0, residuals[0]!, batch),
      used,
    });
    await model.close();
    const readout = await openReadout(checkpoint, familyOf(checkpoint), { most: 3, device: used.at(-1)! });
    const directions = Float32Array.from({ length: 2 * model.dModel }, (_, i) => Math.sin(i));
    raised.push((await readout.effects(directions)).map((each) => [...each.raised.ids].join()).join(' '));
    await readout.close();
  }
  const [cpu, gpu] = answers as [(typeof answers)[0], (typeof answers)[0]];
  const most = (values: readonly number[]): number => values.reduce((a, b) => (b <= a ? a : b), 0);
  const difference = (a: Float32Array, b: Float32Array): number =>
    most([...a].map((value, i) => Math.abs(value - b[i]!)));
  found.push({
    scale: most(cpu.residuals.flatMap((x) => [...x].map(Math.abs))),
    residual: most(cpu.residuals.map((x, i) => difference(x, gpu.residuals[i]!))),
    nll: difference(cpu.nll, gpu.nll),
    raised: raised[0] === raised[1],
    devices: gpu.used,
    passed: gpu.passed,
  });
}
console.log(JSON.stringify(found));
