/** Temporal SAEs: a token's latents and reconstruction depend on those before it in its text, and on nothing else. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { sharedEncoding } from '../../../runner/evaluation/shared-encoding.ts';
import { openSession } from '../../../runner/onnx/session.ts';
import { loadSae } from '../../../runner/sae/checkpoints/load.ts';
import { writeSaeLens } from '../../../runner/sae/checkpoints/sae-lens-export.ts';
import { selfTest } from '../../../runner/sae/checkpoints/self-test.ts';
import { saeSha256 } from '../../../runner/sae/content-hash.ts';
import { contextProgram } from '../../../runner/sae/context-program.ts';
import { openSae } from '../../../runner/sae/open-sae.ts';
import { contextShape, predictionBytes, predictor } from '../../../runner/sae/predicting.ts';
import { inMemory } from '../../../runner/sae/programs.ts';
import { checkedSae, type Sae } from '../../../runner/sae/sae.ts';
import { dense, gaussians, randomSae, relativeDifference } from './support.ts';

const folder = fileURLToPath(
  new URL('../../fixtures/sae/temporal-sae/layer_2-untied-two-layers', import.meta.url),
);
const [tokens, sequence] = [24, 8];
let sae: Sae;
let x: Float32Array;

beforeAll(async () => {
  const loaded = await loadSae(folder);
  ({ sae } = loaded);
  expect(loaded.details).toEqual({ model_name: null, hook_name: 'blocks.2.hook_resid_post' });
  x = gaussians(tokens * sae.d_in, 'temporal').map((value) => 2 * value + 0.5);
});

async function reconstructed(of: Float32Array, count = tokens, each = sequence): Promise<Float32Array[]> {
  const open = await openSae(sae, { threads: 1 });
  const found = await open.reconstruct(of, count, each).finally(() => open.close());
  return [dense(found, sae.d_sae, count), found.reconstruction];
}

test('texts of a batch do not see one another, and a token does not see those after it', async () => {
  const [z, out] = await reconstructed(x);
  const { d_in, d_sae } = sae;
  const second = x.subarray(sequence * d_in, 2 * sequence * d_in);
  const [alone, itself] = await reconstructed(second, sequence);
  expect(relativeDifference(alone!, z!.subarray(sequence * d_sae, 2 * sequence * d_sae))).toBeLessThan(1e-6);
  expect(relativeDifference(itself!, out!.subarray(sequence * d_in, 2 * sequence * d_in))).toBeLessThan(1e-6);
  // The start of a text is the same without its end; as one text the second third is another.
  const [start] = await reconstructed(second.subarray(0, 3 * d_in), 3, 3);
  expect(relativeDifference(start!, alone!.subarray(0, 3 * d_sae))).toBeLessThan(1e-6);
  const [, whole] = await reconstructed(x, tokens, tokens);
  expect(
    relativeDifference(whole!.subarray(0, sequence * d_in), out!.subarray(0, sequence * d_in)),
  ).toBeLessThan(1e-6);
  expect(relativeDifference(whole!, out!)).toBeGreaterThan(1e-2);
});

test('asks how long texts are; latents encoded once are decoded with the prediction of their texts', async () => {
  const open = sharedEncoding(await openSae(sae, { threads: 1 }));
  try {
    expect(open.temporal).toBe(true);
    await expect(open.encode(x, tokens)).rejects.toThrow('sequence = undefined, expected');
    await expect(open.encode(x, tokens, 7)).rejects.toThrow(
      'sequence = 7, expected the tokens of each text, a divisor of 24',
    );
    // The same array as one text has others, and one of another number of tokens is refused.
    const apart = await open.encode(x, tokens, sequence);
    const whole = await open.encode(x, tokens, tokens);
    expect(relativeDifference(whole.values, apart.values)).toBeGreaterThan(1e-2);
    await expect(open.encode(x, sequence, sequence)).rejects.toThrow(RangeError);
    const [, asOne] = await reconstructed(x, tokens, tokens);
    await open.encode(x, tokens, sequence);
    const { reconstruction } = await open.reconstruct(x, tokens, tokens);
    expect(relativeDifference(reconstruction, asOne!)).toBeLessThan(1e-6);
    const latents = await open.encode(x, tokens, sequence);
    await expect(open.decode(latents, tokens)).rejects.toThrow('x: undefined values for 24 tokens');
    const [, expected] = await reconstructed(x);
    expect(relativeDifference(await open.decode(latents, tokens, x, sequence), expected!)).toBe(0);
    // What a latent adds is its row of W_dec in the scale of x, whatever was predicted.
    const less = { ...latents, values: latents.values.slice() };
    const [slot, latent] = [3 * latents.k, latents.indices[3 * latents.k]!];
    less.values[slot] = 0;
    const without = await open.decode(less, tokens, x, sequence);
    const { d_in, normalisation } = sae;
    const scale = normalisation.kind === 'expected_average_only_in' ? normalisation.scale : 1;
    for (let i = 0; i < d_in; i++) {
      const added = expected![3 * d_in + i]! - without[3 * d_in + i]!;
      expect(added).toBeCloseTo((latents.values[slot]! * sae.W_dec[latent * d_in + i]!) / scale, 4);
    }
  } finally {
    await open.close();
  }
});

test('an array that is filled anew is predicted anew', async () => {
  const open = await openSae(sae, { threads: 1 });
  try {
    const given = x.slice();
    await open.reconstruct(given, tokens, sequence);
    const latents = await open.encode(given, tokens, sequence);
    given.reverse();
    const decoded = await open.decode(latents, tokens, given, sequence);
    expect(decoded).toEqual(await open.decode(latents, tokens, given.slice(), sequence));
    given.reverse();
    const [z, out] = await reconstructed(given.slice());
    const found = await open.reconstruct(given, tokens, sequence);
    expect(relativeDifference(dense(found, sae.d_sae, tokens), z!)).toBe(0);
    expect(relativeDifference(found.reconstruction, out!)).toBe(0);
  } finally {
    await open.close();
  }
});

test('what a prediction takes is what it is counted with', async () => {
  const shapes = { tokens, sequence };
  const bytesOf = (maps: readonly { weight: Float32Array; bias: Float32Array }[]): number =>
    maps.reduce((sum, { weight, bias }) => sum + weight.byteLength + bias.byteLength, 0);
  const layers = sae.context!.layers;
  const counted = predictionBytes(sae, contextShape(sae.context!), shapes);
  const squares = layers.flatMap(({ v, o }) => [v.weight, o.weight]);
  expect(counted.squares).toBe(squares.reduce((sum, { byteLength }) => sum + byteLength, 0));
  expect(counted.maps + counted.squares).toBe(bytesOf(layers.flatMap(({ k, q, v, o }) => [k, q, v, o])));

  const program = contextProgram(sae, inMemory(sae));
  // Beside the numbers are names of nodes, their sizes, and the row before the first token.
  const beside = program.bytes.length - counted.program;
  expect(beside).toBeGreaterThan(0);
  expect(beside).toBeLessThan(4 * layers.length * sae.d_sae + 8_000 * layers.length);
  const predicts = predictor(sae, await openSession(program, { threads: 1 }));
  expect(predicts.kept()).toBe(0);
  await predicts.of(x, tokens, sequence);
  expect(predicts.kept()).toBe(counted.kept);
  await predicts.close();
  expect(predicts.kept()).toBe(0);
});

test('what does not fit a context is refused, what cannot be written is not, and its tensors are hashed', async () => {
  const { context } = sae;
  const bad =
    (change: Partial<Sae>): (() => unknown) =>
    () =>
      checkedSae({ ...sae, ...change } as Sae);
  expect(bad({ apply_b_dec_to_input: false })).toThrow('temporal attention before latents of another kind');
  expect(bad({ normalisation: { kind: 'layer_norm' } })).toThrow(
    'temporal attention before latents of another kind',
  );
  expect(bad({ context: { ...context!, heads: 3 } })).toThrow('heads = 3');
  expect(bad({ context: { ...context!, layers: [] } })).toThrow('temporal attention of 0 layers');
  const [first, second] = context!.layers as [NonNullable<typeof context>['layers'][0], never];
  const short = { ...first, o: { ...first.o, weight: first.o.weight.subarray(1) } };
  expect(bad({ context: { ...context!, layers: [short, second] } })).toThrow(
    'context.0.o.weight: 1599 values',
  );
  const moved = first.q.bias.map((value) => value + 1);
  const other = { ...context!, layers: [{ ...first, q: { ...first.q, bias: moved } }, second] };
  expect(saeSha256({ ...sae, context: other })).not.toBe(saeSha256(sae));
  await expect(
    writeSaeLens(join(folder, 'none'), sae, { model_name: 'tiny', hook_name: 'x' }),
  ).rejects.toThrow('a temporal SAE, expected what SAELens has');
  expect(await selfTest({ sae, format: 'temporal-sae' }, x, tokens)).toBeNull();
  const plain = await openSae(randomSae(4, 9, 2), { threads: 1 });
  await plain.close();
  expect(plain.temporal).toBe(false);
});
