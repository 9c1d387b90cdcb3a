import type { OpenSae } from '../sae/open-sae.ts';
import type { Latents } from '../sae/sae.ts';

/**
 * An SAE that remembers the latents of what it encoded last, so that several observers of one residual encode it once. The
 * latents are shared and must not be changed.
 */
export function sharedEncoding(sae: OpenSae): OpenSae {
  let last: { x: Float32Array; latents: Latents } | undefined;
  async function encode(x: Float32Array, tokens: number, sequence?: number): Promise<Latents> {
    if (last?.x !== x) last = { x, latents: await sae.encode(x, tokens, sequence) };
    return last.latents;
  }
  return {
    ...sae,
    encode,
    async reconstruct(x, tokens, sequence) {
      if (last?.x !== x) {
        // Together, so that on a device latents stay there until they are decoded.
        const { reconstruction, ...latents } = await sae.reconstruct(x, tokens, sequence);
        last = { x, latents };
        return { ...latents, reconstruction };
      }
      const { latents } = last;
      return { ...latents, reconstruction: await sae.decode(latents, tokens, x, sequence) };
    },
    async close() {
      last = undefined;
      await sae.close();
    },
  };
}
