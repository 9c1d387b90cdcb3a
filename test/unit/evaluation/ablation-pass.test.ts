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
    share: 1,
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

describe('the sample of latents and rows', () => {
  const [ROWS, TOKENS, D_SAE] = [400, 4, 50];
  /** Rows with a latent at each token, or silent; latent 49 fires at their last token, after which no other follows. */
  function text(latentsOf: (row: number) => [number, number, number] | null) {
    const rows = Array.from({ length: ROWS }, (_, row) => latentsOf(row));
    return {
      ids: new Int32Array(TOKENS * ROWS),
      rows: ROWS,
      tokens: TOKENS,
      k: 1,
      indices: Int32Array.from(rows.flatMap((latents) => [...(latents ?? [0, 0, 0]), 49])),
      values: Float32Array.from(rows.flatMap((latents) => (latents === null ? [0, 0, 0, 1] : [1, 1, 1, 1]))),
    };
  }
  const taken = (sample: AblatedLatents, encoded: ReturnType<typeof text>): [row: number, latent: number][] =>
    [...sample.without(encoded)].flatMap((latent, row) => (latent < 0 ? [] : [[row, latent]]));
  const sampleOf = (ablated: number, ablatedShare: number, seed = 1): AblatedLatents =>
    new AblatedLatents({ ablated, ablatedShare }, { d_sae: D_SAE, seed });

  it('takes a share of the rows, one in each stretch of them, at places that follow from the seed', () => {
    const all = text(() => [1, 2, 3]);
    const rowsOf = (seed: number): number[] => taken(sampleOf(3, 1 / 8, seed), all).map(([row]) => row);
    const rows = rowsOf(1);
    expect(rows.map((row) => Math.floor(row / 8))).toEqual(Array.from({ length: ROWS / 8 }, (_, i) => i));
    expect(new Set(rows.map((row) => row % 8)).size).toBe(8);
    expect(rowsOf(1)).toEqual(rows);
    expect(rowsOf(2)).not.toEqual(rows);
  });

  it('lets the latents take turns', () => {
    const sample = sampleOf(3, 1);
    const counts = Map.groupBy(
      taken(
        sample,
        text(() => [1, 2, 3]),
      ),
      ([, latent]) => latent,
    );
    expect([...counts].map(([latent, { length }]) => [latent, length]).sort()).toEqual([
      [1, 134],
      [2, 133],
      [3, 133],
    ]);
    expect(sample.sampled).toEqual({ latents: 3, rows: ROWS });
  });

  it('where none of it fires takes the next rows where one does', () => {
    const rows = taken(
      sampleOf(1, 1 / 8),
      text((row) => (row < 100 ? null : [1, 1, 1])),
    ).map(([row]) => row);
    // The twelve that were due in the silent rows, and a thirteenth that may be.
    expect(rows.slice(0, 12)).toEqual(Array.from({ length: 12 }, (_, i) => 100 + i));
    expect(rows).toHaveLength(ROWS / 8);
  });

  it('is of all latents that fire before the last token, whenever they first do, each as likely as any other', () => {
    // Half of the latents fire in the last tenth of the text alone.
    const late = text((row) => {
      const latent = row % 24;
      return row < 360 ? [latent, latent, latent] : [24 + latent, 24 + latent, 24 + latent];
    });
    const drawn = new Map<number, number>();
    for (let seed = 0; seed < 300; seed++) {
      const sample = sampleOf(6, 1 / 4, seed);
      sample.without(late);
      for (let latent = 0; latent < D_SAE; latent++) {
        const row = {
          document: 0,
          latent,
          positions: [0],
          clean: Float32Array.of(1, 1),
          without: Float32Array.of(2, 1),
        };
        sample.ended(row);
      }
      expect(sample.sampled.latents).toBe(6);
      for (const latent of sample.effects.latents()) drawn.set(latent, (drawn.get(latent) ?? 0) + 1);
    }
    expect(drawn.has(49)).toBe(false);
    const early = [...drawn].reduce((sum, [latent, count]) => sum + (latent < 24 ? count : 0), 0);
    expect(early / (300 * 6)).toBeCloseTo(0.5, 1);
    expect(Math.min(...drawn.values())).toBeGreaterThan(15);
  });

  it('forgets what was measured of a latent that another pushes out', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed);
    const pushed = seeds.filter((seed) => {
      const sample = sampleOf(1, 1, seed);
      const found = taken(
        sample,
        text((row) => (row < 200 ? [5, 5, 5] : [6, 6, 6])),
      );
      for (const [row, latent] of found)
        sample.ended({
          document: row,
          latent,
          positions: [0],
          clean: Float32Array.of(1, 1),
          without: Float32Array.of(2, 1),
        });
      const isPushed = found.some(([, latent]) => latent === 6);
      expect(sample.effects.latents()).toEqual([isPushed ? 6 : 5]);
      expect(sample.sampled).toEqual({ latents: 1, rows: 200 });
      return isPushed;
    });
    expect(pushed.length).toBeGreaterThan(3);
    expect(pushed.length).toBeLessThan(17);
  });

  it('is none where none is asked for', () => {
    expect(
      taken(
        sampleOf(0, 1),
        text(() => [1, 2, 3]),
      ),
    ).toEqual([]);
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
