/** Which latents a suite's rule chooses for a concept, as pages of latents show them. */
import type { LatentUse } from './suite.ts';

/** Latents of a concept. */
const MOST = 10;

/** The latents of largest absolute weight, of equal ones the lowest first, but for weights of 0. */
export function heaviest(concept: string, weights: Float64Array): LatentUse {
  const latents: [latent: number, weight: number][] = [];
  weights.forEach((weight, latent) => {
    const size = Math.abs(weight);
    if (size === 0 || (latents.length === MOST && !(size > Math.abs(latents.at(-1)![1])))) return;
    let place = latents.length;
    while (place > 0 && Math.abs(latents[place - 1]![1]) < size) place--;
    latents.splice(place, 0, [latent, weight]);
    if (latents.length > MOST) latents.pop();
  });
  return { concept, latents };
}
