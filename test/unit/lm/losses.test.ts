import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MalformedError } from '../../../runner/errors.ts';
import { startBuild } from '../../../runner/lm/build.ts';
import { type Checkpoint, openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import { headTiles, tileWidth } from '../../../runner/lm/head-tiles.ts';
import type { LanguageModel, TokenBatch } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import type { TensorPlace } from '../../../runner/lm/stored-tensors.ts';
import { Graph } from '../../../runner/onnx/graph.ts';
import { compareWithGolden, HALF_STEP, openEverywhere, SPREADS, worst } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
const golden = z
  .object({
    ids: z.array(z.array(z.int())),
    lengths: z.array(z.int()),
    cases: z.array(
      z.object({
        folder: z.string(),
        scale: z.number(),
        kl: z.array(z.number()),
        nll: z.array(z.number()),
        spread: z.object({ kl: z.number(), nll: z.number() }),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(`${fixtures}losses/golden.json`, 'utf8')));
const VOCABULARY = 101;
// Many tiles and a narrow last one, two tiles, the whole.
const widths = [7, 64, VOCABULARY];

describe('a head in tiles', () => {
  const folders = [
    'llama',
    'gemma2',
    'gemma2-bf16',
    'gpt2',
    'gpt2-f16',
    'gpt_neox',
    'gemma3',
    'qwen2',
    'qwen3_5',
  ];
  it.each([...folders, 'tiny-f32', 'tiny-f16-tied'])(
    '%s: losses and logits equal those of transformers, in tiles of 7',
    async (name) => {
      const checkpoint = await openCheckpoint(`${fixtures}${name}`);
      const model = await openEverywhere(checkpoint, { tile: 7 });
      const differences = await compareWithGolden(model, `${fixtures}${name}/golden`);
      await model.close();
      console.log(`${name}, tiles of 7: nll ${differences.nll}, logits ${differences.logits}`);
      expect(differences.nll.scale).toBeGreaterThan(1);
      expect(worst(differences)).toBeLessThanOrEqual(SPREADS);
    },
  );

  it('gives several sets of targets their losses whatever the width', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}gemma2`);
    const batches = [batchOf([[3, 100, 0, 6, 7, 8, 13, 14]]), batchOf([[99, 98, 97, 1, 2, 63, 64, 65]])];
    const found: Float32Array[][] = [];
    for (const tile of [1, ...widths]) {
      const model = await openLanguageModel(checkpoint, { hooks: [1], tile });
      const vector = Float32Array.from({ length: model.dModel }, (_, i) => Math.cos(i));
      found.push(await model.lossesOfConstant(0, vector, batches));
      await model.close();
    }
    // A sum of as many exponentials in another order is off by at most as many roundings, relatively; its logarithm
    // by as much, absolutely. The logit and the difference round as well.
    const rounding = (VOCABULARY + 2 * Math.max(...found.at(-1)!.map(scaleOf))) * HALF_STEP;
    for (const losses of found) {
      losses.forEach((loss, i) => {
        expect(largestDifference(loss, found.at(-1)![i]!)).toBeLessThanOrEqual(rounding);
      });
    }
  });

  it('stays within the limit of logits', () => {
    expect(tileWidth(50_257)).toBe(25_129);
    expect(tileWidth(2048)).toBe(2048);
    expect(tileWidth(262_208, 4) * 8192 * 4).toBeLessThanOrEqual(2 ** 28);
    expect(tileWidth(262_208) * 8192).toBeGreaterThan(2 ** 27);
  });

  it('cuts the bias with the weight, and neither out of its place', async () => {
    const opened = await openCheckpoint(`${fixtures}llama`);
    const places: TensorPlace[] = [];
    const bias: TensorPlace = {
      ...opened.tensors.get('lm_head.weight')!,
      shape: [VOCABULARY],
      start: 0,
      end: 404,
    };
    const tensors = new Map([...opened.tensors, ['lm_head.bias', bias]]);
    const checkpoint = { ...opened, tensors };
    const graph = new (class extends Graph {
      override external(...args: Parameters<Graph['external']>): ReturnType<Graph['external']> {
        places.push({ ...bias, shape: args[1], start: args[2].offset, end: args[2].offset + args[2].length });
        return super.external(...args);
      }
    })();
    const build = startBuild(graph, checkpoint, graph.int64s([1, 1]), 1);
    const family = familyOf(checkpoint);
    const tiles = headTiles(
      build,
      checkpoint,
      {
        ...family,
        head: (inner, x) => {
          const weight = inner.weight('lm_head.weight', [VOCABULARY, family.dModel]);
          return inner.graph.node('Gemm', [x, weight, inner.weight('lm_head.bias', [VOCABULARY])]);
        },
      },
      60,
    );
    for (const tile of tiles) tile.logits(graph.scalar(0));
    const { start } = opened.tensors.get('lm_head.weight')!;
    const row = 4 * family.dModel;
    expect(places.map(({ shape, start, end }) => [shape, start, end])).toEqual([
      [[60, family.dModel], start, start + 60 * row],
      [[60], 0, 240],
      [[41, family.dModel], start + 60 * row, start + 101 * row],
      [[41], 240, 404],
    ]);
  });

  it('of another shape than config.json says is malformed', async () => {
    const opened = await openCheckpoint(`${fixtures}llama`);
    const checkpoint: Checkpoint = { ...opened, config: { ...opened.config, vocab_size: 103 } };
    const failure = openLanguageModel(checkpoint, { hooks: [1], tile: 7 });
    await expect(failure).rejects.toBeInstanceOf(MalformedError);
    await expect(failure).rejects.toThrow(/\[103, 24\]/);
  });
});

describe('KL(clean ‖ patched)', () => {
  const { ids, lengths, cases } = golden;
  const batch = { ...batchOf(ids), lengths: Int32Array.from(lengths) };

  /** hooks [0]: blocks between the patch and the head; the last hook of all: none. Each is opened once. */
  const models = new Map<string, Promise<LanguageModel>>();
  function patchedAtFirst(folder: string, tile: number): Promise<LanguageModel> {
    const key = `${folder} ${tile}`;
    const model = models.get(key) ?? open(folder, { hooks: [0], tile });
    models.set(key, model);
    return model;
  }
  afterAll(async () => {
    for (const model of models.values()) await (await model).close();
  });

  it.each(cases.flatMap((each) => widths.map((tile) => [each.folder, each.scale, tile, each] as const)))(
    '%s, residual times %s, tiles of %s: as torch',
    async (folder, scale, tile, expected) => {
      const model = await patchedAtFirst(folder, tile);
      const clean = (await model.residuals(batch))[0]!;
      const final = await model.finalResidual(0, clean, batch);
      const patched = clean.map((x) => x * scale);
      const { nll, kl } = await model.divergences(0, patched, final, batch);
      const plain = await model.losses(0, patched, batch);
      const { spread } = expected;
      // Rounding of one log-probability: all there is where clean and patched are the same numbers.
      const step = scaleOf(expected.nll) * HALF_STEP;
      expect(largestDifference(nll, plain)).toBeLessThanOrEqual(SPREADS * (spread.nll + step));
      expect(largestDifference(counted(nll, batch), expected.nll)).toBeLessThanOrEqual(
        SPREADS * (spread.nll + step),
      );
      const difference = largestDifference(counted(kl, batch), expected.kl);
      if (tile === 7) {
        const scales = `${difference.toExponential(1)} of ${scaleOf(expected.kl).toExponential(1)}`;
        console.log(`${folder} x ${scale}: KL ${scales}`);
      }
      expect(difference).toBeLessThanOrEqual(SPREADS * (spread.kl + step));
    },
  );

  it.each(widths)('equals float64 arithmetic on the program’s own logits, tiles of %s', async (tile) => {
    const model = await open('gemma2', { hooks: [0, 2], tile, logits: true });
    const [, clean] = await model.residuals(batch);
    const patched = clean!.map((x, i) => x + 3 * Math.sin(i));
    const logits = await model.logits(1, patched, batch);
    const expected = klOf(await model.logits(1, clean!, batch), logits, model.vocabulary);
    const { kl } = await model.divergences(1, patched, await model.finalResidual(1, clean!, batch), batch);
    await model.close();
    const scale = Math.max(...expected);
    expect(scale).toBeGreaterThan(0.01);
    const positions = [...kl.keys()].filter((i) => i % 19 < lengths[Math.floor(i / 19)]!);
    expect(positions.length).toBe(lengths.reduce((sum, length) => sum + length));
    // Log-probabilities are as large as the logits' range and log V; each of two is rounded a few times.
    const rounding = 8 * (2 * scaleOf(logits) + Math.log(model.vocabulary)) * HALF_STEP;
    for (const i of positions) expect(Math.abs(kl[i]! - expected[i]!)).toBeLessThanOrEqual(rounding);
    // No divergence in padding.
    for (const i of kl.keys()) if (!positions.includes(i)) expect(kl[i]).toBe(0);
  });

  it('asks for a model opened with it', async () => {
    const checkpoint = await openCheckpoint(`${fixtures}llama`);
    const model = await openLanguageModel(checkpoint, { hooks: [1] });
    const residual = new Float32Array(batch.ids.length * model.dModel);
    await expect(model.divergences(0, residual, residual, batch)).rejects.toThrow('without divergence');
    await model.close();
  });

  async function open(
    folder: string,
    options: { hooks: number[]; tile: number; logits?: boolean },
  ): Promise<LanguageModel> {
    const checkpoint = await openCheckpoint(`${fixtures}${folder}`);
    return openLanguageModel(checkpoint, { ...options, divergence: true });
  }
});

function batchOf(rows: readonly (readonly number[])[]): TokenBatch {
  return { ids: Int32Array.from(rows.flat()), rows: rows.length, tokens: rows[0]!.length };
}

/** The values at positions that have a next token, row after row. */
function counted(values: Float32Array, { tokens, lengths }: TokenBatch): number[] {
  return [...lengths!].flatMap((length, row) => [
    ...values.subarray(row * tokens, row * tokens + length - 1),
  ]);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
}

function scaleOf(values: ArrayLike<number>): number {
  return Math.max(...Array.from(values, Math.abs));
}

function klOf(clean: Float32Array, patched: Float32Array, vocabulary: number): Float64Array {
  const result = new Float64Array(clean.length / vocabulary);
  for (let row = 0; row < result.length; row++) {
    const logP = logSoftmax(clean.subarray(row * vocabulary, (row + 1) * vocabulary));
    const logQ = logSoftmax(patched.subarray(row * vocabulary, (row + 1) * vocabulary));
    result[row] = logP.reduce((sum, p, i) => sum + Math.exp(p) * (p - logQ[i]!), 0);
  }
  return result;
}

function logSoftmax(logits: Float32Array): Float64Array {
  const top = Math.max(...logits);
  const total = top + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0));
  return Float64Array.from(logits, (x) => x - total);
}
