/**
 * Run in a process with a device: what passes to it and back for each token of an evaluation with two SAEs at a hook, whose
 * reconstructions go on to their losses, and how far these are from the CPU's, as JSON. Argument: a folder with a language model.
 */
import { sharedEncoding } from '../../runner/evaluation/shared-encoding.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { sweep } from '../../runner/lm/sweep.ts';
import type { Device } from '../../runner/onnx/devices.ts';
import { traffic, trafficSince } from '../../runner/onnx/traffic.ts';
import { type OpenSae, openSae } from '../../runner/sae/open-sae.ts';
import { randomSae } from '../unit/sae/support.ts';
import { testedDevice } from './software-vulkan.ts';

const checkpoint = await openCheckpoint(process.argv[2]!);
const tokens = 20;
const ids = Int32Array.from({ length: 2 * tokens }, (_, i) => (i * 37 + 5) % 101);
const batch = { ids, rows: 2, tokens };
const K = 4;

async function measured(device: Device) {
  const model = await openLanguageModel(checkpoint, { hooks: [0], device, maxTokens: 64 });
  const saes: OpenSae[] = [];
  for (let i = 0; i < 2; i++)
    saes.push(sharedEncoding(await openSae(randomSae(model.dModel, 8 * model.dModel, K), { device })));
  const losses: number[] = [];
  const before = traffic();
  await sweep(
    model,
    [batch],
    [
      {
        async see({ input }) {
          const branches = [];
          for (const sae of saes) {
            const { reconstruction } = await sae.reconstruct(input, ids.length);
            // Another suite asks for the same latents.
            await sae.encode(input, ids.length);
            branches.push({
              residual: reconstruction,
              ended: ({ nll }: { nll: Float32Array }) => losses.push(...nll),
            });
          }
          return branches;
        },
      },
    ],
    { reporter: { progress: () => undefined, note: () => undefined, stopRequested: () => false } },
  );
  const { given, taken } = trafficSince(before);
  for (const sae of saes) await sae.close();
  await model.close();
  return { losses, dModel: model.dModel, given: given.bytes / ids.length, taken: taken.bytes / ids.length };
}

const [here, there] = [await measured('cpu'), await measured(testedDevice)];
const difference = Math.max(...here.losses.map((nll, i) => Math.abs(nll - there.losses[i]!)));
const { given, taken, dModel } = there;
console.log(JSON.stringify({ given, taken, dModel, k: K, difference, losses: here.losses.length }));
