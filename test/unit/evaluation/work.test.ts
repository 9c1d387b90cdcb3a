/** What a sweep says of the time that is left: by what its text costs, which differs from text to text. */
import { expect, it } from 'vitest';
import { type HookSaes, observe, workOf } from '../../../runner/evaluation/observation.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import type { Observer } from '../../../runner/lm/observer.ts';
import type { OpenSae } from '../../../runner/sae/open-sae.ts';

const [BLOCKS, D, D_SAE, VOCABULARY, LAYER] = [4, 8, 64, 100, 1];

/** A model that counts the weights its tokens meet, and computes nothing. */
function counting() {
  let met = 0;
  const block = 12 * D * D;
  const model = {
    blocks: BLOCKS,
    dModel: D,
    vocabulary: VOCABULARY,
    segments: [{ hook: 0 }, { hook: null }],
    widths: [{ value: D, beside: 0 }],
    resident: true,
    hooks: [{ layer: LAYER, site: 'resid_post' }],
    async advance(_segment: number, _residual: Float32Array | null, { rows, tokens }: TokenBatch) {
      met += rows * tokens * (LAYER + 1) * block;
      return new Float32Array(rows * tokens * D);
    },
    async finish(_residual: Float32Array | null, { rows, tokens }: TokenBatch) {
      met += rows * tokens * ((BLOCKS - 1 - LAYER) * block + VOCABULARY * D);
      return new Float32Array(rows * tokens);
    },
    async endings({ batch: { rows, tokens } }: { batch: TokenBatch }) {
      met += rows * tokens * ((BLOCKS - 1 - LAYER) * block + VOCABULARY * D);
      return { nll: new Float32Array(rows * tokens) };
    },
  } as unknown as LanguageModel;
  return { model, met: () => met, encoded: (tokens: number) => (met += 2 * tokens * D * D_SAE) };
}

const hooks: HookSaes[] = [
  { layer: LAYER, site: 'resid_post', d: D, saes: [{ d_in: D, d_sae: D_SAE } as OpenSae] },
];
const batch = (rows: number): TokenBatch => ({ ids: new Int32Array(rows * 5), rows, tokens: 5 });

it('the share of the work that is said follows what the model and the encoders do', async () => {
  const { model, met, encoded } = counting();
  const dear = [batch(2), batch(2)];
  const cheap = [batch(6), batch(6), batch(6)];
  const sees = (branches: number): Observer => ({
    branches: () => branches,
    async see({ batch: { rows, tokens }, residual }) {
      encoded(rows * tokens);
      return Array.from({ length: branches }, () => ({ residual, ended: () => undefined }));
    },
    ...(branches > 0 && { clean: () => undefined }),
  });
  const said: [share: number, met: number, done: number, total: number][] = [];
  const reporter = {
    progress: (done: number, total: number, _fields: unknown, share = -1) =>
      void said.push([share, met(), done, total]),
    note: () => undefined,
    stopRequested: () => false,
  };
  const observation = (batches: TokenBatch[], branches: number) => ({
    batches,
    branches,
    observer: sees(branches),
    result: () => undefined,
  });
  await observe(
    model,
    [observation(dear, 7), observation(cheap, 0)],
    async () => ({ reporter: reporter as never }),
    hooks,
  );
  const all = met();
  // Of each batch when it is through.
  const after = [1, 3, 4, 5, 6].map((i) => said[i]!);
  for (const [share, then] of after) expect(share).toBeCloseTo(then / all, 10);
  expect(said.at(-1)!.slice(2)).toEqual([110, 110]);
  expect(said.at(-1)![0]).toBe(1);
  // The dear text is less than a fifth of the tokens, and most of the work.
  expect(said[3]![0]).toBeGreaterThan(0.5);
});

it('text that nobody lets go on from ends at the last hook', () => {
  const { model } = counting();
  const of = (branches: number) => workOf(model, hooks, [batch(1)], [{ branches: () => branches }])[0]!;
  expect(of(0)).toBe(5 * (2 * 12 * D * D + 2 * D * D_SAE));
  expect(of(1)).toBe(5 * (4 * 12 * D * D + VOCABULARY * D + 2 * D * D_SAE + 2 * 12 * D * D + VOCABULARY * D));
});

it('what goes on at a time is told with the ablations beside which more than the hook’s own tensor travels', async () => {
  const { model } = counting();
  const told: number[] = [];
  const observer: Observer = { seen: () => [], ablations: () => 2 };
  for (const beside of [0, D]) {
    const observation = {
      batches: [batch(1)],
      observer,
      others: [observer, {}],
      branches: 3,
      result: () => null,
    };
    await observe(
      { ...model, widths: [{ value: D, beside }] },
      [observation],
      async (_, branches) => {
        told.push(branches);
        return { reporter: { progress: () => undefined, note: () => undefined, stopRequested: () => false } };
      },
      hooks,
    );
  }
  expect(told).toEqual([3, 3 + 2 * 2]);
});
