/** The weights of SAEs that training starts from, instead of new ones. */
import { quote, UserError } from '../../errors.ts';
import { hookLabel, placeName, readHook } from '../../hook.ts';
import type { Device } from '../../onnx/devices.ts';
import type { Reporter } from '../../reporter.ts';
import { openSaeFile } from '../../sae/checkpoints/load.ts';
import { openSae } from '../../sae/open-sae.ts';
import type { Sae } from '../../sae/sae.ts';
import { type FirstPass, parametersFrom, resample } from '../../train/from-sae.ts';
import { normalise } from '../../train/normalise.ts';
import type { SaePlan, StartingWeights } from '../../train/sae-trainer.ts';
import { hookStream } from '../../train/streams.ts';
import type { TrainedPlan } from '../shared/planned-saes.ts';
import type { PublishedSae } from '../shared/published-saes.ts';

/** Tokens that go through an SAE at a time. */
const STRETCH = 2_048;

/**
 * The SAE that each plan starts from: the one at its hook.
 *
 * @throws UserError where a hook has none or several, or an SAE is of no hook that is trained
 */
export function startOfEach(
  plans: readonly TrainedPlan[],
  from: readonly PublishedSae[],
): ReadonlyMap<string, PublishedSae> {
  const starts = new Map<string, PublishedSae>();
  if (from.length === 0) return starts;
  for (const { id, hook } of plans) {
    const fitting = from.filter((sae) => placeName(sae) === placeName(hook));
    if (fitting.length === 1) starts.set(id, fitting[0]!);
    else {
      throw new UserError({
        thing: `training at ${placeName(hook)}`,
        found: `${fitting.length} SAEs of that hook to start from`,
        expected: 'one',
        next: `Train at their hooks: --hooks ${quote([...new Set(from.map(placeName))].join(','))}.`,
      });
    }
  }
  const idle = from.find((sae) => ![...starts.values()].includes(sae));
  if (idle === undefined) return starts;
  throw new UserError({
    thing: `SAE ${quote(idle.place.name)}, which training starts from`,
    found: `one of ${placeName(idle)}`,
    expected: `one of ${[...new Set(plans.map(({ hook }) => placeName(hook)))].join(', ')}, which are trained`,
    next: 'Train at its hook too, or leave it out.',
  });
}

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
  const squares = new Float64Array(window);
  const open = await openSae(sae, options);
  try {
    for (let from = 0; from < window; from += STRETCH) {
      const tokens = Math.min(STRETCH, window - from);
      const part = await open.reconstruct(read.subarray(from * d, (from + tokens) * d), tokens);
      part.indices.forEach((latent, at) => {
        if (part.values[at]! > 0) fired[latent] = 1;
      });
      part.reconstruction.forEach((value, at) => {
        squares[from + Math.floor(at / d)]! += (value - y[from * d + at]!) ** 2;
      });
    }
  } finally {
    await open.close();
  }
  const dead = Array.from(fired.keys()).filter((latent) => fired[latent] === 0);
  const x = normalise(sae.normalisation, read, d);
  return { x, y: hook.reads === undefined ? x : y, squares, dead };
}
