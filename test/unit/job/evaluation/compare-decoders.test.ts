/** The comparison of a run's decoders: which pairs, in which order, within which budget, and what a stopped one keeps. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../../runner/errors.ts';
import {
  budgetOf,
  type ComparedDecoder,
  compareDecoders,
  plannedPairs,
} from '../../../../runner/job/evaluation/compare-decoders.ts';
import { readFired, writeFired } from '../../../../runner/job/evaluation/fired-latents.ts';
import { random } from '../../../../runner/math/random.ts';
import { type Similarity, similarity } from '../../../../runner/report/similarity.ts';
import { Stopped } from '../../../../runner/reporter.ts';
import { topKSae } from '../../../../runner/sae/sae.ts';

const D = 16;

function decoder(name: string, layer: number, d_sae: number): ComparedDecoder {
  const stream = random('compare', name);
  const W_dec = Float32Array.from({ length: d_sae * D }, () => stream.gaussian());
  const zeros = {
    W_enc: new Float32Array(d_sae * D),
    b_enc: new Float32Array(d_sae),
    b_dec: new Float32Array(D),
  };
  const sae = topKSae({ d_in: D, d_sae, k: 2, W_dec, ...zeros });
  const kept = Uint8Array.from({ length: d_sae }, (_, latent) => (latent % 5 === 0 ? 0 : 1));
  return { record: name, layer, sae, kept, sha256: `${layer}`.repeat(64) };
}

const saes = [decoder('a', 0, 40), decoder('b', 0, 30), decoder('c', 3, 30)];
const rowsOf = (place: number) => saes[place]!.sae!.W_dec as Float32Array;
// The second has most of the first's directions, at other lengths; the third some, turned round.
for (let i = 0; i < 24 * D; i++) rowsOf(1)[i] = 2 * rowsOf(0)[i]!;
for (let i = 0; i < 20 * D; i++) rowsOf(2)[i] = -rowsOf(0)[i]!;

const about = { id: 'run-decoders', model: { id: 'none', sha256: null }, d_model: D, window_tokens: 1_000 };
const settings = (similarityOperations: number | null = null, device = 'cpu') => ({
  device,
  threads: 1,
  evaluation: { similarityOperations },
});

async function compared(
  budget: number | null,
  options: {
    before?: Similarity | null;
    stopAfter?: number;
    of?: readonly ComparedDecoder[];
    device?: string;
  } = {},
) {
  const kept: Similarity[] = [];
  const notes: string[] = [];
  const seen: number[] = [];
  const found = compareDecoders(
    {
      config: settings(budget, options.device),
      saes: options.of ?? saes,
      about,
      before: options.before ? [options.before] : [],
      keep: async (each) => void kept.push(structuredClone(each)),
    },
    {
      progress: (done, total) => void seen.push(done / total),
      note: (text) => void notes.push(text),
      stopRequested: () => kept.length >= (options.stopAfter ?? Number.POSITIVE_INFINITY),
    },
  );
  return { found: await found.catch((error: unknown) => error), kept, notes, seen };
}

const twinsOf = (found: Similarity, of: number, among: number) => {
  const pair = found.pairs.find((each) => each.of === of && each.among === among)!;
  return 'values' in pair ? pair.values['decoder_twins@cosine-0.7'] : pair.reason;
};

describe('the comparison of decoders', () => {
  it('gives every ordered pair, of the latents that fired', async () => {
    const { found, seen, notes } = await compared(null);
    const all = similarity.parse(found);
    expect(all.saes.map(({ compared: count }) => count)).toEqual([32, 24, 24]);
    expect(all.pairs).toHaveLength(9);
    // Of the 32 of a, 19 have a copy in b that fired; of the 24 of b, those 19.
    expect(twinsOf(all, 0, 1)).toBe(19 / 32);
    expect(twinsOf(all, 1, 0)).toBe(19 / 24);
    // Turned round they are no twins.
    expect(twinsOf(all, 0, 2)).toBeLessThan(0.2);
    expect(twinsOf(all, 0, 0)).toBeLessThan(0.2);
    expect(seen.at(-1)).toBeCloseTo(1, 9);
    expect(notes).toEqual([]);
  });

  it('goes from one layer to those further apart, as far as the budget reaches', async () => {
    const pairs = plannedPairs(saes, D, Number.POSITIVE_INFINITY);
    const layers = (places: readonly number[]) => Math.abs(saes[places[0]!]!.layer - saes[places[1]!]!.layer);
    expect(pairs.map(({ places }) => layers(places))).toEqual([0, 0, 0, 0, 3, 3]);
    const near = pairs.slice(0, 4).reduce((sum, { operations }) => sum + operations, 0);
    // 2 · 32 · 24 · 16 of a pair, and half of it of an SAE with itself.
    expect(near).toBe(32 * 32 * D + 2 * 24 * 24 * D + 2 * 32 * 24 * D);
    const { found, notes } = await compared(near);
    const all = similarity.parse(found);
    expect(twinsOf(all, 1, 0)).toBe(19 / 24);
    for (const [of, among] of [
      [0, 2],
      [2, 0],
      [1, 2],
      [2, 1],
    ] as const)
      expect(twinsOf(all, of, among)).toMatch(/evaluation\.similarityOperations allows/);
    expect(notes.join()).toMatch(/^similarity: 2 of 6 pairs of decoders are left out/);
    const none = similarity.parse((await compared(0)).found);
    expect(none.pairs.every((pair) => 'reason' in pair)).toBe(true);
  });

  it('has a budget by the device, unless it is told one', () => {
    expect(budgetOf(settings())).toBe(2e13);
    expect(budgetOf(settings(null, 'cuda:0'))).toBe(2e15);
    expect(budgetOf(settings(7, 'cuda:0'))).toBe(7);
  });

  it('of a device that is not here is made on one that is, and says so; other faults are not hidden', async () => {
    const here = similarity.parse((await compared(null)).found);
    const { found, notes } = await compared(null, { device: 'cuda:63' });
    expect(notes).toEqual([
      expect.stringMatching(/^similarity: cuda:63 is not here, decoders are compared on \S+$/),
    ]);
    const elsewhere = similarity.parse(found);
    for (const { of, among } of here.pairs)
      expect(twinsOf(elsewhere, of, among)).toBe(twinsOf(here, of, among));
    const wrong = await compared(null, { device: 'abacus' });
    expect(wrong.found).toBeInstanceOf(UserError);
  });

  it('that was stopped goes on from the pairs it has, and ends as one that was not', async () => {
    const whole = (await compared(null)).found;
    const stopped = await compared(null, { stopAfter: 3 });
    expect(stopped.found).toBeInstanceOf(Stopped);
    const before = similarity.parse(stopped.kept.at(-1));
    expect(before.pairs.length).toBeLessThan(9);
    const gone = await compared(null, { before });
    expect(gone.found).toEqual(whole);
    // A pair each that was not there, and the whole at the end.
    expect(gone.kept).toHaveLength(6 - 3 + 1);
  });

  it('does not take over pairs of another SAE', async () => {
    const before = similarity.parse((await compared(null)).found);
    before.saes[0]!.sha256 = 'f'.repeat(64);
    // Its three pairs, and the whole at the end.
    expect((await compared(null, { before })).kept).toHaveLength(3 + 1);
  });

  it('takes over what shards have compared, and leaves out what needs weights that are not here', async () => {
    const [a, b, c] = saes as [ComparedDecoder, ComparedDecoder, ComparedDecoder];
    const shard = similarity.parse((await compared(null, { of: [c, b] })).found);
    const gone = { ...b, sae: null };
    const all = similarity.parse((await compared(null, { of: [a, gone, c], before: shard })).found);
    const whole = similarity.parse((await compared(null)).found);
    for (const [of, among] of [
      [1, 1],
      [1, 2],
      [2, 1],
      [0, 2],
      [2, 0],
    ] as const)
      expect(twinsOf(all, of, among)).toBe(twinsOf(whole, of, among));
    for (const [of, among] of [
      [0, 1],
      [1, 0],
    ] as const)
      expect(twinsOf(all, of, among)).toMatch(/^the weights of one were not at hand/);
  });

  it('says why there is no value where nothing fired', async () => {
    const silent = { ...saes[2]!, kept: new Uint8Array(30) };
    const single = { ...saes[1]!, kept: Uint8Array.from({ length: 30 }, (_, i) => (i === 3 ? 1 : 0)) };
    const all = similarity.parse((await compared(null, { of: [single, silent] })).found);
    expect(twinsOf(all, 0, 0)).toMatch(/^one latent alone fired/);
    for (const [of, among] of [
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const)
      expect(twinsOf(all, of, among)).toMatch(/^no latent fired/);
  });
});

describe('latents that fired', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'interpboard-fired-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are read as they were written', async () => {
    const fired = new Map(saes.map(({ record, kept }) => [record, kept]));
    await writeFired(folder, { window_tokens: 77, saes: fired });
    const found = await readFired(folder);
    expect(found.window_tokens).toBe(77);
    expect(found.saes).toEqual(fired);
  });

  it('are refused where the file says more latents than it holds, or is none', async () => {
    await writeFile(
      join(folder, 'fired.json'),
      '{"window_tokens":1,"saes":{"L0":{"d_sae":9,"bits":"AA=="}}}',
    );
    await expect(readFired(folder)).rejects.toThrow(/fewer bits than latents/);
    await rm(join(folder, 'fired.json'));
    await expect(readFired(folder)).rejects.toThrow(/fired\.json/);
  });
});
