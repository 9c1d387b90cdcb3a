/** Latents taken out of the residual, against transformers and PyTorch (test/fixtures/features/make_ablation.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { observeAblations } from '../../../runner/evaluation/ablation-pass.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { sweep } from '../../../runner/lm/sweep.ts';
import { random } from '../../../runner/math/random.ts';
import { type AblatedRow, AblationEffects } from '../../../runner/metrics/ablation-effect.ts';
import { loadSae } from '../../../runner/sae/checkpoints/load.ts';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import { AblatedLatents } from '../../../runner/suites/features/ablated.ts';

const folder = fileURLToPath(new URL('../../fixtures/features', import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const { ids, tokens, rows, block } = read('features.json');
const golden = read('ablation.json') as {
  latent: number;
  row: number;
  positions: number[];
  clean: number[];
  without: number[];
}[];
const reporter = { progress: () => undefined, note: () => undefined, stopRequested: () => false };

let model: LanguageModel;
let sae: OpenSae;
const batches: TokenBatch[] = [];
beforeAll(async () => {
  model = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks: [block] });
  sae = await openSae((await loadSae(join(folder, 'sae'))).sae);
  const half = Math.floor(rows / 2);
  for (const [from, to] of [
    [0, half],
    [half, rows],
  ] as const)
    batches.push({ ids: Int32Array.from(ids.slice(from * tokens, to * tokens)), rows: to - from, tokens });
});
afterAll(async () => {
  await sae.close();
  await model.close();
});

/** @param latentOf what each row of the text goes on without */
async function ablated(latentOf: (row: number) => number): Promise<AblatedRow[]> {
  const found: AblatedRow[] = [];
  let first = 0;
  const observer = observeAblations([{ layer: block, site: 'resid_post', d: sae.d_in, saes: [sae] }], {
    without({ encoded }) {
      const chosen = Int32Array.from({ length: encoded.rows }, (_, row) => latentOf(first + row));
      first += encoded.rows;
      return chosen;
    },
    ended: ({ row }) => found.push({ ...row, clean: row.clean.slice(), without: row.without.slice() }),
  });
  await sweep(model, batches, [observer], { reporter });
  return found;
}

test('losses with and without a latent, row by row, as PyTorch finds them', async () => {
  let worst = 0;
  for (const latent of new Set(golden.map((each) => each.latent))) {
    const found = await ablated(() => latent);
    for (const expected of golden.filter((each) => each.latent === latent)) {
      // Without documents rows stand alone, by their number in the text.
      const ours = found.find(({ document }) => document === expected.row)!;
      expect(ours.positions).toEqual(expected.positions);
      for (const end of ['clean', 'without'] as const)
        expected[end].forEach((loss, i) => {
          worst = Math.max(worst, Math.abs(loss - ours[end][i]!));
        });
    }
  }
  expect(worst).toBeLessThan(1e-4);
});

test('rows that share a branch do not see one another, and rows without a latent are left out', async () => {
  const own = await ablated((row) => (row === 5 ? 50 : -1));
  const beside = await ablated((row) => (row === 5 ? 50 : row % 2 === 0 ? 92 : -1));
  expect(own).toHaveLength(own[0]?.document === 5 ? 1 : 0);
  const same = beside.find(({ document }) => document === 5);
  expect(same === undefined).toBe(own.length === 0);
  if (same !== undefined) expect(same.without).toEqual(own[0]!.without);
  expect(beside.every(({ document }) => document === 5 || document % 2 === 0)).toBe(true);
});

describe('the latents of a sample', () => {
  const encoded = () => ({
    ...{ ids: new Int32Array(16), rows: 4, tokens: 4, k: 1 },
    // Latent 7 fires at the last token of a row alone, where no next token follows.
    indices: Int32Array.from([1, 2, 1, 7, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]),
    values: Float32Array.from({ length: 16 }, (_, i) => (i < 12 ? 1 : 0)),
  });

  it('are those that fire in the first batch, and take turns by rows', () => {
    const sample = new AblatedLatents({ ablated: 10, ablatedTokens: 32 }, 1);
    expect([...sample.without(encoded())!]).toEqual([1, 1, 2, -1]);
    expect([...sample.without(encoded())!]).toEqual([2, 1, 2, -1]);
    // So many tokens were asked for.
    expect(sample.without(encoded())).toBeNull();
  });

  it('end within a batch where the tokens do, and follow from the seed', () => {
    const sample = new AblatedLatents({ ablated: 1, ablatedTokens: 5 }, 1);
    expect(sample.without(encoded())!.slice(2)).toEqual(Int32Array.of(-1, -1));
    const drawn = (seed: number): number =>
      Math.max(...new AblatedLatents({ ablated: 1, ablatedTokens: 99 }, seed).without(encoded())!);
    expect(new Set(Array.from({ length: 20 }, (_, seed) => drawn(seed)))).toEqual(new Set([1, 2]));
    expect(new AblatedLatents({ ablated: 0, ablatedTokens: 99 }, 1).without(encoded())).toBeNull();
  });
});

describe('the interval of an effect', () => {
  it('holds it in 92 to 97 of 100 texts of 12 documents', () => {
    const stream = random('ablation effect');
    const [SETS, DOCUMENTS, TOKENS, TRUTH] = [1_000, 12, 40, 0.2];
    let held = 0;
    for (let set = 0; set < SETS; set++) {
      const effects = new AblationEffects();
      for (let document = 0; document < DOCUMENTS; document++) {
        const own = 0.1 * stream.gaussian();
        const clean = Float32Array.from({ length: TOKENS }, () => 2 + stream.gaussian());
        const without = clean.map((loss) => loss + TRUTH + own + 0.5 * stream.gaussian());
        const positions = Array.from({ length: TOKENS }, (_, i) => i).filter(() => stream.next() < 0.3);
        effects.add({ document, latent: 0, positions, clean, without });
      }
      const { low, high } = effects.of(0)!;
      if (low! <= TRUTH && TRUTH <= high!) held++;
    }
    expect((100 * held) / SETS).toBeGreaterThan(92);
    expect((100 * held) / SETS).toBeLessThan(97);
  });

  it('is none where the latent fires in one document, and the last token of a row does not count', () => {
    const effects = new AblationEffects();
    const row = { clean: Float32Array.of(1, 1, 0), without: Float32Array.of(2, 1, 5) };
    effects.add({ document: 3, latent: 9, positions: [0, 1, 2], ...row });
    effects.add({ document: 3, latent: 8, positions: [2], ...row });
    expect(effects.of(9)).toEqual({ mean: 0.5, low: null, high: null, tokens: 2, rows: 1, documents: 1 });
    expect(effects.of(8)).toBeNull();
    expect(effects.latents()).toEqual([9]);
  });
});
