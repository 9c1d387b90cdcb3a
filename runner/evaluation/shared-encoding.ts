import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents } from '../sae/sae.ts';

/**
 * An SAE that remembers the latents of what it encoded last, so that several observers of one residual encode it once. The
 * latents are shared and must not be changed; nor may the residual, which is known by its array. Memory of a session's
 * outputs that is used again comes as another array.
 */
export function sharedEncoding(sae: OpenSae): OpenSae {
  let last: { x: Float32Array; tokens: number; sequence: number | undefined; latents: Latents } | undefined;
  /** The latents of these texts, where they are what was encoded last. */
  function known(x: Float32Array, tokens: number, sequence: number | undefined): Latents | undefined {
    const same = last?.x === x && last.tokens === tokens && last.sequence === sequence;
    return same ? last?.latents : undefined;
  }
  return {
    ...sae,
    async encode(x, tokens, sequence) {
      const latents = known(x, tokens, sequence) ?? (await sae.encode(x, tokens, sequence));
      last = { x, tokens, sequence, latents };
      return latents;
    },
    async reconstruct(x, tokens, sequence) {
      const latents = known(x, tokens, sequence);
      if (latents !== undefined)
        return { ...latents, reconstruction: await sae.decode(latents, tokens, x, sequence) };
      // Together, so that on a device latents stay there until they are decoded.
      const { reconstruction, ...made } = await sae.reconstruct(x, tokens, sequence);
      last = { x, tokens, sequence, latents: made };
      return { ...made, reconstruction };
    },
    async close() {
      last = undefined;
      await sae.close();
    },
  };
}
