import { describe, expect, it } from 'vitest';
import { random } from '../../../runner/math/random.ts';
import { firingRate } from '../../../runner/metrics/firing-rate.ts';

/** Documents of uneven length; in some of them, its own, a latent fires often, elsewhere hardly. */
interface Population {
  documents: number;
  tokens: number;
  own: number;
  often: number;
  hardly: number;
}

const SETS = 1_000;

/** Per cent of simulated texts whose interval holds the rate. */
function covered({ documents, tokens, own, often, hardly }: Population): number {
  const stream = random('firing rate', documents, tokens);
  const truth = own * often + (1 - own) * hardly;
  let held = 0;
  for (let set = 0; set < SETS; set++) {
    const firings = { fires: 0, squares: 0, cross: 0 };
    const text = { tokens: 0, documents, squaredTokens: 0 };
    for (let document = 0; document < documents; document++) {
      const n = Math.round(tokens * (0.5 + stream.next()));
      const rate = stream.next() < own ? often : hardly;
      let c = 0;
      for (let i = 0; i < n; i++) if (stream.next() < rate) c++;
      firings.fires += c;
      firings.squares += c * c;
      firings.cross += c * n;
      text.tokens += n;
      text.squaredTokens += n * n;
    }
    const { low, high } = firingRate(firings, text);
    if (low <= truth && truth <= high) held++;
  }
  return (100 * held) / SETS;
}

describe('the interval of a firing rate', () => {
  it.each([
    ['alike in all documents', { documents: 24, tokens: 160, own: 1, often: 0.05, hardly: 0 }],
    ['rare, alike in all', { documents: 64, tokens: 128, own: 1, often: 0.002, hardly: 0 }],
    ['in a third of 24 documents', { documents: 24, tokens: 160, own: 0.3, often: 0.15, hardly: 0.001 }],
    ['in a third of 64 documents', { documents: 64, tokens: 128, own: 0.3, often: 0.15, hardly: 0.001 }],
  ] as const)('holds it in 92 to 98 of 100 texts: %s', (_, population) => {
    const share = covered(population);
    expect(share).toBeGreaterThan(92);
    expect(share).toBeLessThan(98);
  });

  it('holds it less often where the latent fires in a handful of documents, as is said', () => {
    const share = covered({ documents: 64, tokens: 128, own: 0.05, often: 0.2, hardly: 0.0001 });
    expect(share).toBeGreaterThan(85);
    expect(share).toBeLessThan(95);
  });

  it('is that of tokens alone where one document is all', () => {
    const one = firingRate(
      { fires: 10, squares: 100, cross: 1_000 },
      { tokens: 100, documents: 1, squaredTokens: 10_000 },
    );
    expect(one.rate).toBe(0.1);
    expect(one.low).toBeCloseTo(0.0552, 4);
    expect(one.high).toBeCloseTo(0.1744, 4);
  });
});
