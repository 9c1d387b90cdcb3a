/** The weights of SAEs that training starts from, instead of new ones. */
import { hookLabel, readHook } from '../../hook.ts';
import type { Device } from '../../onnx/devices.ts';
import type { Reporter } from '../../reporter.ts';
import { openSaeFile } from '../../sae/checkpoints/load.ts';
import { openSae } from '../../sae/open-sae.ts';
import type { Sae } from '../../sae/sae.ts';
import { parametersFrom } from '../../train/from-sae.ts';
import { normalise } from '../../train/normalise.ts';
import { type FirstPass, resample } from '../../train/resample.ts';
import type { SaePlan, StartingWeights } from '../../train/sae-trainer.ts';
import { hookStream } from '../../train/streams.ts';
import type { PublishedSae } from '../shared/published-saes.ts';

/** Tokens that go through an SAE at a time. */
const STRETCH = 2_048;

/**
 * @param samples the first activations of each hook, by its label [count, d]
 * @param window of them as many as a latent has to fire on at least once not to be resampled; 0 resamples none
 */
export async function startingWeights(
  plans: readonly SaePlan[],
  starts: ReadonlyMap<string, PublishedSae>,
  { samples, window }: { samples: ReadonlyMap<string, Float32Array>; window: number },
  options: { device: Device; threads?: number },
  reporter: Reporter,
): Promise<ReadonlyMap<string, StartingWeights>> {
  const found = new Map<string, StartingWeights>();
  for (const plan of plans) {
    const start = starts.get(plan.id);
    if (start === undefined) continue;
    const { place } = start;
    const file = await openSaeFile(place.path, place.options);
    const { sae } = await file.load().finally(() => file.close());
    const parameters = parametersFrom(plan, place.name, sae);
    const other = sae.architecture === plan.recipe.architecture ? '' : `, ${sae.architecture} till now`;
    reporter.note(`${plan.id} starts from ${start.id}${other}`);
    if (window > 0) {
      const pass = await firstPass(plan, sae, samples, window, options);
      const made = resample(plan, parameters, pass, hookStream('resampling', plan.recipe.seed, plan.hook));
      reporter.note(
        `${plan.id}: ${made} latents resampled, of ${pass.dead.length} that did not fire on ${window} tokens`,
      );
    }
    found.set(plan.id, {
      parameters,
      normalisation: sae.normalisation,
      threshold: 'threshold' in sae && 'k' in sae ? sae.threshold[0]! : null,
    });
  }
  return found;
}

async function firstPass(
  { hook, d_in: d }: SaePlan,
  sae: Sae,
  samples: ReadonlyMap<string, Float32Array>,
  window: number,
  options: { device: Device; threads?: number },
): Promise<FirstPass> {
  const read = samples.get(hookLabel(readHook(hook)))!.subarray(0, window * d);
  const y = samples.get(hookLabel(hook))!.subarray(0, window * d);
  const fired = new Uint8Array(sae.d_sae);
  const losses = new Float64Array(window);
  const open = await openSae(sae, options);
  try {
    for (let from = 0; from < window; from += STRETCH) {
      const tokens = Math.min(STRETCH, window - from);
      const part = await open.reconstruct(read.subarray(from * d, (from + tokens) * d), tokens);
      part.indices.forEach((latent, at) => {
        if (part.values[at]! > 0) fired[latent] = 1;
      });
      part.reconstruction.forEach((value, at) => {
        losses[from + Math.floor(at / d)]! += (value - y[from * d + at]!) ** 2;
      });
    }
  } finally {
    await open.close();
  }
  const dead = Array.from(fired.keys()).filter((latent) => fired[latent] === 0);
  const x = normalise(sae.normalisation, read, d);
  return { x, y: hook.reads === undefined ? x : y, losses, dead };
}
