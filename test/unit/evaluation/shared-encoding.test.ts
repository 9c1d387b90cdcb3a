import { expect, test } from 'vitest';
import { sharedEncoding } from '../../../runner/evaluation/shared-encoding.ts';
import { openSae } from '../../../runner/sae/open-sae.ts';
import { gaussians, randomSae } from '../sae/support.ts';

test('a residual is encoded once, whoever asks for its latents, and the numbers are those of the SAE', async () => {
  const sae = await openSae(randomSae(12, 64, 5), { threads: 1 });
  let encoded = 0;
  const counted = {
    ...sae,
    encode(x: Float32Array, tokens: number) {
      encoded++;
      return sae.encode(x, tokens);
    },
    reconstruct(x: Float32Array, tokens: number) {
      encoded++;
      return sae.reconstruct(x, tokens);
    },
  };
  const shared = sharedEncoding(counted);
  try {
    const [first, second] = [gaussians(9 * 12, 'first'), gaussians(9 * 12, 'second')];
    expect(await shared.reconstruct(first, 9)).toEqual(await sae.reconstruct(first, 9));
    expect(await shared.encode(first, 9)).toEqual(await sae.encode(first, 9));
    expect(encoded).toBe(1);
    expect(await shared.encode(second, 9)).toEqual(await sae.encode(second, 9));
    expect(await shared.encode(first, 9)).toEqual(await sae.encode(first, 9));
    expect(await shared.reconstruct(first, 9)).toEqual(await sae.reconstruct(first, 9));
    expect(encoded).toBe(3);
  } finally {
    await shared.close();
  }
});
