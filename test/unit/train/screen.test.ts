import { describe, expect, test } from 'vitest';
import type { Session } from '../../../runner/onnx/session.ts';
import { sharedSessions } from '../../../runner/train/backends/shared-sessions.ts';
import { DenseParts, type Screened } from '../../../runner/train/backends/sparse-cpu/dense.ts';
import { compileKernels, instantiate } from '../../../runner/train/backends/sparse-cpu/kernels.ts';
import {
  controlNames,
  layoutOf,
  memoryFor,
  padded,
  type ScreenLimit,
  type Sizes,
  screenLimits,
} from '../../../runner/train/backends/sparse-cpu/layout.ts';
import { chunksOf, type Phase, work } from '../../../runner/train/backends/sparse-cpu/phases.ts';
import { copyRows } from '../../../runner/train/backends/sparse-cpu/sae-memory.ts';
import { Screen } from '../../../runner/train/backends/sparse-cpu/screen.ts';
import {
  choiceBy,
  exactLimit,
  exactnessSample,
  int8Share,
  sumsAreExact,
} from '../../../runner/train/backends/sparse-cpu/screen-choice.ts';
import { viewsOf } from '../../../runner/train/backends/sparse-cpu/step.ts';
import { gaussians } from './support.ts';

interface Case {
  tokens: number;
  latents: number;
  d: number;
  k: number;
  x: Float32Array;
  /** [latents, d] */
  W: Float32Array;
  b: Float32Array;
}

function gaussian(tokens: number, latents: number, d: number, k: number): Case {
  return {
    tokens,
    latents,
    d,
    k,
    x: gaussians(tokens * d, 'x', tokens, d),
    W: gaussians(latents * d, 'W', latents, d),
    b: gaussians(latents, 'b', latents).map((v) => v / 4),
  };
}

function changed(change: (each: Case) => void, ...sizes: Parameters<typeof gaussian>): Case {
  const each = gaussian(...sizes);
  change(each);
  return each;
}

const cases: Record<string, Case> = {
  'one block': gaussian(256, 512, 64, 8),
  'blocks, the last one short': gaussian(530, 300, 48, 16),
  'odd sizes': gaussian(31, 203, 33, 13),
  'one latent of one dimension': gaussian(3, 1, 1, 1),
  'k = 1': gaussian(40, 100, 20, 1),
  'k = all latents': gaussian(20, 37, 20, 37),
  'many latents of many dimensions': gaussian(64, 4_096, 256, 32),
  'activations of a few much larger dimensions': changed(
    ({ x, d }) =>
      x.forEach((v, i) => {
        x[i] = i % d < 2 ? v * 200 : v;
      }),
    100,
    512,
    64,
    8,
  ),
  'tokens of very different norms': changed(
    ({ x, d }) =>
      x.forEach((v, i) => {
        x[i] = v * 10 ** ((Math.floor(i / d) % 9) - 6);
      }),
    100,
    512,
    64,
    8,
  ),
  'latents of very different norms': changed(
    ({ W, d }) =>
      W.forEach((v, i) => {
        W[i] = v * 10 ** ((Math.floor(i / d) % 7) - 4);
      }),
    100,
    512,
    64,
    8,
  ),
  'weights that the copies hold exactly': changed(
    ({ W, b }) => {
      W.set(W.map(Math.sign));
      b.fill(0);
    },
    100,
    2_048,
    64,
    32,
  ),
  'biases far above the products': changed(
    ({ b }) =>
      b.forEach((v, j) => {
        b[j] = v * 4_000;
      }),
    60,
    512,
    64,
    8,
  ),
  'nothing above 0': changed(({ b }) => void b.fill(-200), 60, 512, 64, 8),
  'a token of zeros, latents of zeros': changed(
    ({ x, W, d }) => {
      x.fill(0, 3 * d, 4 * d);
      W.fill(0, 0, 100 * d);
    },
    60,
    512,
    64,
    8,
  ),
  'activations of zeros': changed(({ x }) => x.fill(0), 40, 512, 64, 8),
  'equal latents': changed(
    ({ W, b, d }) => {
      W.copyWithin(256 * d, 0, 256 * d);
      b.copyWithin(256, 0, 256);
    },
    60,
    512,
    64,
    7,
  ),
  'equal tokens whose latents all tie': changed(
    ({ W, b, d }) => {
      for (let j = 1; j < 512; j++) W.copyWithin(j * d, 0, d);
      b.fill(0.5);
    },
    20,
    512,
    64,
    8,
  ),
};

const exact = await exactLimit();
/** Of int8 here. Where no int8 product is exact nothing is screened; every x86 and every ARM runs these. */
const most = exact ?? 64;
const here = describe.skipIf(exact === null);
const limits = screenLimits.filter((limit) => limit <= most);

/** What the screen finds, and how many values it computed in float32. */
async function screened(
  build: 'plain' | 'relaxed',
  { tokens, latents, d, k, x, W, b }: Case,
  allowed: Screened = 'always',
  limit: ScreenLimit = most,
  found: (latent: number) => number = (latent) => latent,
) {
  const sizes: Sizes = { tokens, latents, width: padded(d), d_in: d, k, momentBytes: 4 };
  const layout = layoutOf(sizes, limit);
  const memory = memoryFor(layout);
  const settings = { adamBeta1: 0, adamBeta2: 0, unitNormDecoder: true, removeParallelGradient: false };
  const place = {
    kernels: instantiate(compileKernels([build]).module, memory),
    memory,
    layout,
    settings: { ...settings, lossWeight: 1 },
  };
  const floats = (at: number, length: number): Float32Array => new Float32Array(memory.buffer, at, length);
  copyRows(x, d, floats(layout.centred, tokens * sizes.width), sizes.width, tokens);
  copyRows(W, d, floats(layout.parameters.W_enc, latents * sizes.width), sizes.width, latents);
  floats(layout.parameters.b_enc, latents).set(b);
  const controls = new Float64Array(memory.buffer, layout.controls, controlNames.length);
  const sum = (phase: Phase): number =>
    new Float64Array(memory.buffer, layout.results, chunksOf(phase, layout)).reduce((s, v) => s + v, 0);
  const runtime = {
    sessions: sharedSessions<Session>(),
    threads: 1,
    screened: allowed,
    mark: () => undefined,
  };
  const dense = new DenseParts(layout, viewsOf(place), runtime);
  let computed = 0;
  const screen = await Screen.open(
    place,
    layout.screen!,
    runtime,
    {
      run(phase) {
        let next = 0;
        work(phase, place, () => next++);
        if (phase === 'choose') computed += sum(phase);
      },
      sum,
      control(values) {
        for (const [i, name] of controlNames.entries()) controls[i] = values[name] ?? controls[i]!;
      },
    },
    {
      async encode(at, pre) {
        await dense.encode(at, pre);
        at.set(at.map(found));
      },
    },
  );
  try {
    const found = await screen.encode(x.reduce((s, v) => s + v * v, 0));
    return {
      found,
      computed,
      at: new Int32Array(memory.buffer, layout.at, tokens * k).slice(),
      pre: floats(layout.pre, tokens * k).slice(),
    };
  } finally {
    await screen.close();
    await dense.close();
  }
}

describe.each(
  (['plain', 'relaxed'] as const).flatMap((build) => [
    { build, by: 'float32', allowed: 'never', limit: most } as const,
    ...limits.map((limit) => ({ build, by: 'int8', allowed: 'always', limit }) as const),
  ]),
)('$build, product in $by, to $limit', ({ build, by, allowed, limit }) => {
  test.each(Object.entries(cases))('finds the k largest: %s', async (_, each) => {
    const { tokens, latents, d, k, x, W, b } = each;
    const { found, at, pre } = await screened(build, each, allowed, limit);
    expect(found).toBe(by);
    for (let t = 0; t < tokens; t++) {
      // float64, and what float32 may make of it
      const exact = new Float64Array(latents);
      let scale = 0;
      for (let j = 0; j < latents; j++) {
        let [sum, size] = [b[j]!, Math.abs(b[j]!)];
        for (let i = 0; i < d; i++) {
          const part = x[t * d + i]! * W[j * d + i]!;
          sum += part;
          size += Math.abs(part);
        }
        exact[j] = sum;
        scale = Math.max(scale, size);
      }
      const chosen = [...at.subarray(t * k, (t + 1) * k)];
      expect(chosen, `token ${t}`).toEqual([...new Set(chosen)].sort((p, q) => p - q));
      const rounding = 1e-6 * scale;
      chosen.forEach((j, slot) => {
        expect(Math.abs(pre[t * k + slot]! - exact[j]!), `token ${t}, latent ${j}`).toBeLessThanOrEqual(
          rounding,
        );
      });
      const least = Math.min(...chosen.map((j) => exact[j]!));
      const inside = new Set(chosen);
      const best = exact.reduce((most, v, j) => (inside.has(j) ? most : Math.max(most, v)), -Infinity);
      expect(least, `token ${t}`).toBeGreaterThanOrEqual(best - 2 * rounding);
    }
  });

  test('of equal values the first are kept', async () => {
    const { at } = await screened(build, cases['equal tokens whose latents all tie']!, allowed, limit);
    for (let t = 0; t < 20; t++) expect([...at.subarray(t * 8, t * 8 + 8)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const pairs = cases['equal latents']!;
    const { at: paired } = await screened(build, pairs, allowed, limit);
    for (let t = 0; t < pairs.tokens; t++) {
      const chosen = new Set(paired.subarray(t * pairs.k, (t + 1) * pairs.k));
      for (const j of chosen) if (j >= 256) expect(chosen.has(j - 256)).toBe(true);
    }
  });
});

here('what is screened', () => {
  test.each(Object.entries(cases))('either product gives the same bits: %s', async (_, each) => {
    const float = await screened('relaxed', each, 'never');
    for (const limit of limits) {
      const { at, pre } = await screened('relaxed', each, 'always', limit);
      expect(at).toEqual(float.at);
      expect(Buffer.from(pre.buffer).equals(Buffer.from(float.pre.buffer))).toBe(true);
    }
  });

  test('of values as large as those that the float32 product found the first are kept all the same', async () => {
    const ties = cases['equal tokens whose latents all tie']!;
    const { tokens, latents, k } = ties;
    const { at } = await screened('relaxed', ties, 'never', most, (latent) => latents - 1 - latent);
    for (let t = 0; t < tokens; t++)
      expect([...at.subarray(t * k, t * k + k)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('of many latents few are computed again', async () => {
    const { computed } = await screened('relaxed', cases['many latents of many dimensions']!);
    expect(computed / 64).toBeGreaterThan(32);
    expect(computed / 64).toBeLessThan(200);
  });

  test.each([
    ['an activation of NaN', (each: Case) => (each.x[70] = Number.NaN)],
    ['an infinite activation', (each: Case) => (each.x[70] = Infinity)],
    ['a weight of NaN', (each: Case) => (each.W[70] = Number.NaN)],
    ['an infinite bias', (each: Case) => (each.b[7] = Infinity)],
    ['weights of zeros', (each: Case) => each.W.fill(0) && each.b.fill(0)],
  ])('leaves to the float32 product: %s', async (_, spoil) => {
    const each = changed(spoil, 60, 512, 64, 8);
    expect((await screened('relaxed', each)).found).toBe('float32');
  });

  test('leaves to the float32 product what would be computed again nearly whole', async () => {
    // Of a dimension that no latent looks at, values so large that the copies hold little else.
    const wide = changed(
      ({ x, W, d }) => {
        for (let i = 0; i < x.length; i += d) x[i] = 1e5;
        for (let i = 0; i < W.length; i += d) W[i] = 0;
      },
      60,
      512,
      64,
      8,
    );
    expect((await screened('relaxed', wide, 'where-it-pays')).found).toBe('float32');
    expect((await screened('relaxed', cases['one block']!, 'where-it-pays')).found).toBe('int8');
  });
});

describe('the check of the int8 product', () => {
  const levels = (limit: ScreenLimit, sum: (products: readonly number[]) => number): boolean => {
    const sample = exactnessSample(limit);
    const { x, W, rows, depth, columns, step, zero } = sample;
    const found = Uint8Array.from({ length: rows * columns }, (_, at) => {
      const [t, j] = [Math.floor(at / columns), at % columns];
      const column = Array.from({ length: depth }, (_, i) => W[i * columns + j]!);
      // As processors do it: of the bytes themselves, what stands for 0 taken off at the end.
      const product =
        sum(column.map((w, i) => x[t * depth + i]! * w)) - 128 * column.reduce((s, w) => s + w, 0);
      return Math.max(0, Math.min(255, Math.round(product / step) + zero));
    });
    return sumsAreExact(sample, found);
  };
  const saturating = (most: number) => (products: readonly number[]) =>
    products.reduce(
      (s, v, i) => (i % 2 === 0 ? s + Math.max(-most - 1, Math.min(most, v + (products[i + 1] ?? 0))) : s),
      0,
    );

  test.each(screenLimits)('passes exact sums: to %i', (limit) => {
    expect(levels(limit, (products) => products.reduce((s, v) => s + v, 0))).toBe(true);
  });

  test('finds pairs that saturate at 16 bits; those of 7-bit integers do not', () => {
    expect(levels(127, saturating(32_767))).toBe(false);
    expect(levels(64, saturating(32_767))).toBe(true);
  });

  test('of 7-bit integers too it would find sums that saturate', () => {
    expect(levels(64, saturating(30_000))).toBe(false);
  });

  test.each([
    [0.53, 127, true, 'screened in 8-bit integers; here a product of 8-bit integers takes 0.53 of'],
    [0.8, 64, false, 'no screen; here a product of 7-bit integers takes 0.80 of'],
  ] as const)('a product of %d the time, to %i, pays: %s', (share, limit, pays, words) => {
    const { why, pays: found } = choiceBy(share, { k: 32, latents: 4_096 }, limit);
    expect(found).toBe(pays);
    expect(why).toBe(`top 32 of 4096 latents: ${words} the float32 one’s time`);
  });

  test('the two products are measured against each other', async () => {
    const share = await int8Share({ tokens: 64, latents: 64, width: 32, d_in: 32, k: 4, momentBytes: 4 }, 1);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(Infinity);
  });
});
