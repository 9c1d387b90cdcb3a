import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeSafetensors } from '../../../runner/formats/safetensors.ts';
import { type ByteSource, memorySource } from '../../../runner/io/byte-source.ts';
import { openSaeFile } from '../../../runner/sae/checkpoints/load.ts';
import { storedTensors, TensorBag } from '../../../runner/sae/checkpoints/loaded.ts';
import { writeRelease } from '../../../runner/sae/checkpoints/reference-release.ts';
import { saeSha256 } from '../../../runner/sae/content-hash.ts';
import { openSae } from '../../../runner/sae/open-sae.ts';
import { checkedStored, latentSlice, storedSha256 } from '../../../runner/sae/stored-sae.ts';
import { dense, gaussians, randomSae, relativeDifference } from './support.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/sae/', import.meta.url));

const files = [
  'sae-lens/standard',
  'sae-lens/standard-bfloat16',
  'sae-lens/topk-rescale',
  'sae-lens/gated',
  'sae-lens/abstopk',
  'sae-lens/abstopk-rescale-layer-norm',
  'sae-lens/matching-pursuit',
  'sae-lens/whitened-standard-plain-input',
  'temporal-sae/layer_2-untied-two-layers',
  'sae-lens/jumprelu-skip-transcoder',
  'gemma-scope/plain',
  'gemma-scope/compressed',
  'gemma-scope-2/sae',
  'llama-scope/sae',
  'sparsify/sae',
  'dictionary-learning/AutoEncoder',
  'dictionary-learning/AutoEncoderTopK',
  'dictionary-learning/MatryoshkaBatchTopKSAE',
  'openai/topk-normalised/layer.pt',
  'qwen-scope/sae/layer0.sae.pt',
];

test.each(files)(
  '%s: parts, hash and programs from the file are those of the SAE in memory',
  async (name) => {
    const file = await openSaeFile(join(fixtures, name), name.startsWith('qwen') ? { k: 5 } : {});
    try {
      const { sae } = await file.load();
      const { d_in, d_sae, d_out = d_in } = sae;
      expect(await storedSha256(file.sae)).toBe(saeSha256(sae));
      for (const [from, to] of [
        [0, d_sae],
        [7, 8],
        [3, 29],
      ] as const) {
        const slice = await file.latents(from, to);
        const column = (j: number): number[] =>
          Array.from({ length: d_in }, (_, i) => sae.W_enc[i * d_sae + j]!);
        const columns = Array.from({ length: to - from }, (_, i) => column(from + i)).flat();
        expect([...slice.encoder]).toEqual(columns);
        expect([...slice.decoder]).toEqual([...sae.W_dec.slice(from * d_out, to * d_out)]);
        for (const [vector, values] of Object.entries(slice.vectors)) {
          const whole = (sae as unknown as Record<string, Float32Array>)[vector]!;
          expect([...values]).toEqual([...whole.slice(from, to)]);
        }
        const perLatent = { jumprelu: ['b_enc', 'threshold'], gated: ['b_gate', 'b_mag', 'r_mag'] };
        const { architecture } = sae;
        if (architecture === 'jumprelu' || architecture === 'gated')
          expect(Object.keys(slice.vectors)).toEqual(perLatent[architecture]);
      }
      const tokens = 30;
      const x = gaussians(tokens * d_in, name);
      const [lying, held] = [await openSae(file.sae, { threads: 1 }), await openSae(sae, { threads: 1 })];
      const found = await lying.reconstruct(x, tokens, tokens).finally(() => lying.close());
      const expected = await held.reconstruct(x, tokens, tokens).finally(() => held.close());
      expect(relativeDifference(dense(found, d_sae, tokens), dense(expected, d_sae, tokens))).toBeLessThan(
        2e-6,
      );
      expect(relativeDifference(found.reconstruction, expected.reconstruction)).toBeLessThan(2e-6);
    } finally {
      await file.close();
    }
  },
);

test('which files are used where they lie', async () => {
  const places = async (name: string): Promise<(boolean | null)[]> => {
    const file = await openSaeFile(join(fixtures, name));
    await file.close();
    return [file.sae.W_enc, file.sae.W_dec].map(({ place }) => place?.turned ?? null);
  };
  expect(await places('sae-lens/standard')).toEqual([false, false]);
  expect(await places('sparsify/sae')).toEqual([true, false]);
  expect(await places('gemma-scope/plain')).toEqual([false, false]);
  expect(await places('gemma-scope/compressed')).toEqual([null, null]);
  expect(await places('openai/relu/layer.pt')).toEqual([true, true]);
  expect(await places('dictionary-learning/AutoEncoder')).toEqual([null, null]);
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stored-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a range outside the latents is refused, and a closed file is closed', async () => {
  const details = {
    k_aux: 1,
    alpha_aux: 0,
    hook_name: 'blocks.0.hook_resid_post',
    model_name: 'm',
    tokens_seen: 1,
    step: 1,
  };
  await writeRelease(folder, 0, { sae: randomSae(6, 10, 3), details });
  const file = await openSaeFile(folder);
  expect(file.files.map((path) => path.slice(folder.length + 1)).sort()).toEqual([
    'sae_L0_cfg.json',
    'sae_L0_latest.safetensors',
  ]);
  for (const [from, to] of [
    [-1, 2],
    [3, 3],
    [9, 11],
    [0.5, 2],
  ] as const)
    await expect(file.latents(from, to)).rejects.toThrow(RangeError);
  await file.close();
  await expect(file.latents(0, 1)).rejects.toThrow();
});

test('a damaged byte of a matrix in an archive is found before it is run', async () => {
  const path = join(folder, 'layer0.sae.pt');
  const bytes = await readFile(join(fixtures, 'qwen-scope/sae/layer0.sae.pt'));
  const { sae, close } = await openSaeFile(join(fixtures, 'qwen-scope/sae/layer0.sae.pt'), { k: 5 });
  await close();
  bytes[sae.W_enc.place!.start + 5]! ^= 1;
  await writeFile(path, bytes);
  const file = await openSaeFile(path, { k: 5 });
  await expect(openSae(file.sae)).rejects.toThrow(/another CRC-32/);
  await expect(file.load()).rejects.toThrow(/another CRC-32/);
  await file.close();
});

test('opening reads the header and the vectors; a latent costs its column and its row', async () => {
  const [d_in, d_sae] = [64, 512];
  const sae = randomSae(d_in, d_sae, 4);
  const f32 = (data: Float32Array, shape: number[]) => ({ dtype: 'F32', shape, data }) as const;
  const bytes = Buffer.concat(
    encodeSafetensors({
      W_enc: f32(sae.W_enc, [d_in, d_sae]),
      W_dec: f32(sae.W_dec, [d_sae, d_in]),
      b_enc: f32(sae.b_enc, [d_sae]),
      b_dec: f32(sae.b_dec, [d_in]),
    }),
  );
  const count = { reads: 0, bytes: 0 };
  const inner = memorySource('counted', bytes);
  const source: ByteSource = {
    ...inner,
    slice(start, end) {
      count.reads++;
      count.bytes += end - start;
      return inner.slice(start, end);
    },
  };
  const header = 8 + Number(bytes.readBigUInt64LE(0));
  const bag = new TensorBag('counted', 'a test', await storedTensors(source));
  const stored = checkedStored({
    architecture: 'relu',
    d_in,
    d_sae,
    apply_b_dec_to_input: true,
    normalisation: { kind: 'none' },
    W_enc: bag.matrix('W_enc', [d_in, d_sae]),
    W_dec: bag.matrix('W_dec', [d_sae, d_in]),
    b_enc: await bag.take('b_enc', [d_sae]),
    b_dec: await bag.take('b_dec', [d_in]),
  });
  expect(count).toEqual({ reads: 4, bytes: header + 4 * (d_sae + d_in) });
  Object.assign(count, { reads: 0, bytes: 0 });
  await latentSlice(stored, 100, 101);
  expect(count).toEqual({ reads: d_in + 1, bytes: 4 * 2 * d_in });
  Object.assign(count, { reads: 0, bytes: 0 });
  await latentSlice(stored, 100, 132);
  expect(count).toEqual({ reads: d_in + 1, bytes: 32 * 4 * 2 * d_in });
});

test.runIf(process.platform === 'linux')(
  'a file of 2.7 GB is opened and sliced within 64 MiB more than a process that opens nothing takes (/proc is needed)',
  { timeout: 600_000 },
  () => {
    const script = fileURLToPath(new URL('../../bench/sae-open.ts', import.meta.url));
    const { stdout, status } = spawnSync(
      process.execPath,
      [script, '--run-latents', '64', '--run-width', '16'],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(stdout).toContain('a file of 2560 MiB');
    const peak = (line: string): number =>
      Number(new RegExp(`^${line}.*peak resident +(\\d+) MiB`, 'm').exec(stdout)?.[1]);
    const most = peak('8 latents here and there');
    console.info(stdout);
    expect(most).toBeGreaterThan(0);
    expect(most - peak('a process that opens nothing')).toBeLessThan(64);
  },
);
