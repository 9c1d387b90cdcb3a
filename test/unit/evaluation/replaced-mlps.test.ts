/** A cross-layer transcoder: its files, its latents and outputs, and the losses with all MLPs replaced, as circuit-tracer and transformers have them. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/model-folder.ts';
import { MalformedError, UnavailableError, UserError } from '../../../runner/errors.ts';
import { replacedMlps } from '../../../runner/evaluation/replaced-mlps.ts';
import type { KeptPasses } from '../../../runner/evaluation/replacing.ts';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { openContentCache } from '../../../runner/io/content-cache.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { Stopped, silent, stageReporter } from '../../../runner/reporter.ts';
import {
  type CrossLayerFile,
  hooksOfCrossLayer,
  openCrossLayer,
} from '../../../runner/sae/checkpoints/cross-layer.ts';
import { openSaeFile } from '../../../runner/sae/checkpoints/load.ts';
import { type OpenSae, openSae } from '../../../runner/sae/open-sae.ts';
import golden from '../../fixtures/clt/golden.json' with { type: 'json' };
import { dense, relativeDifference } from '../sae/support.ts';

const folder = fileURLToPath(new URL('../../fixtures/clt/', import.meta.url));
let file: CrossLayerFile;
let layers: OpenSae[];
let copies: string;

beforeAll(async () => {
  copies = await mkdtemp(join(tmpdir(), 'cross-layer-'));
  file = await openCrossLayer(folder);
  layers = [];
  for (const sae of file.layers) layers.push(await openSae(sae, { threads: 1 }));
});
afterAll(async () => {
  for (const sae of layers) await sae.close();
  await file.close();
  await rm(copies, { recursive: true, force: true });
});

it('gives the latents and outputs that circuit-tracer gives', async () => {
  expect(file).toMatchObject({
    details: { model_name: 'interpboard/small-world', hook_name: 'hook_resid_mid' },
    reads: 'resid_mid',
    d_model: 128,
  });
  const read = (name: string) =>
    withFile(`${folder}golden.safetensors`, async (source) =>
      readFloats(source, await readSafetensors(source), name),
    );
  const [x, latents, reconstruction] = [await read('x'), await read('latents'), await read('reconstruction')];
  const [d, n] = [file.d_model, file.layers[0]!.d_sae];
  const tokens = x.length / layers.length / d;
  const outputs = file.biases.map((bias) =>
    Float32Array.from({ length: tokens * d }, (_, i) => bias[i % d]!),
  );
  const found: number[] = [];
  for (const [layer, sae] of layers.entries()) {
    const part = await sae.reconstruct(x.subarray(layer * tokens * d, (layer + 1) * tokens * d), tokens);
    found.push(...dense(part, n, tokens));
    for (let t = 0; t < tokens; t++)
      for (let to = layer; to < layers.length; to++)
        for (let i = 0; i < d; i++)
          outputs[to]![t * d + i]! += part.reconstruction[t * sae.d_out + (to - layer) * d + i]!;
  }
  expect(relativeDifference(found, latents)).toBeLessThan(1e-5);
  expect(
    relativeDifference(
      outputs.flatMap((each) => [...each]),
      reconstruction,
    ),
  ).toBeLessThan(1e-5);
});

it('has the losses that transformers has with all MLPs replaced', async () => {
  const hooks = hooksOfCrossLayer(file);
  const model = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks, threads: 1 });
  const batches = [golden.ids.slice(0, 4), golden.ids.slice(4)].map((rows) => ({
    ids: Int32Array.from(rows.flat()),
    rows: rows.length,
    tokens: rows[0]!.length,
  }));
  const clt = { reads: file.reads, d: file.d_model, layers, biases: file.biases };
  let progress = 0;
  const reporter = {
    ...stageReporter('test', 'passes', silent),
    progress: (done: number) => (progress = done),
  };
  const measured = await replacedMlps(model, clt, batches, { resamples: 50, seed: 0 }, reporter);
  expect(progress).toBe(8);
  // What was measured with MLPs replaced is kept: another try passes through the model alone and is the same.
  let passes = 0;
  const counting: LanguageModel = {
    ...model,
    finish(...given) {
      passes++;
      return model.finish(...given);
    },
  };
  const cache = await openContentCache(join(copies, 'cache'), 2 ** 20, 'test program');
  const kept = { cache, identity: 'x', sha256: 'one' };
  const draws = { resamples: 50, seed: 0 };
  const again = (by: KeptPasses) => replacedMlps(counting, clt, batches, draws, reporter, by);
  expect(await again(kept)).toEqual(measured);
  await cache.settled();
  expect(passes).toBe(8);
  expect(await again(kept)).toEqual(measured);
  expect(passes).toBe(8 + 2);
  // Zero and the means are the model's own; of another transcoder its losses are measured.
  expect(await again({ ...kept, sha256: 'another' })).toEqual(measured);
  expect(passes).toBe(8 + 2 + 4);
  await again({ ...kept, identity: 'another model' });
  expect(passes).toBe(8 + 2 + 4 + 8);
  progress = 8;
  const stopping = { ...reporter, stopRequested: () => progress > 2, progress: () => progress++ };
  progress = 0;
  await expect(replacedMlps(model, clt, batches, { resamples: 50, seed: 0 }, stopping)).rejects.toMatchObject(
    { constructor: Stopped, message: expect.stringContaining('measures anew') },
  );
  expect(progress).toBe(3);
  await model.close();
  const value = (of: { value: number | null }): number => of.value!;
  const { clean, zero, mean } = golden.losses;
  const found = [
    'loss_clean@v1',
    'loss_all_mlps@v1',
    'loss_all_mlps_zero@v1',
    'loss_all_mlps_mean@v1',
  ] as const;
  expect(
    relativeDifference(
      found.map((id) => value(measured.losses.metrics[id])),
      [clean, golden.losses.clt, zero, mean],
    ),
  ).toBeLessThan(1e-5);
  expect(measured.losses.metrics['loss_recovered_all_mlps@v1']).toMatchObject({
    value: null,
    reason: expect.stringContaining('activations zeroed'),
  });
  expect(
    relativeDifference(
      measured.layers.map((each) => value(each['l0@v1'])),
      golden.l0,
    ),
  ).toBeLessThan(1e-9);
  expect(
    relativeDifference(
      measured.layers.map((each) => value(each['var_exp@pooled-v1'])),
      golden.var_exp,
    ),
  ).toBeLessThan(1e-5);
  // All layers side by side: what is a sum over latents is a sum over layers, and a share of latents their mean.
  const { metrics } = measured.whole;
  const sum = (of: readonly number[]): number => of.reduce((total, each) => total + each, 0);
  const of = (id: 'l0@v1' | 'alive@v1' | 'mse@per-dim-v1'): number[] =>
    measured.layers.map((each) => value(each[id]));
  expect(
    relativeDifference(
      [value(metrics['l0@v1']), value(metrics['alive@v1']), value(metrics['mse@per-dim-v1'])],
      [sum(golden.l0), sum(of('alive@v1')) / 6, sum(of('mse@per-dim-v1')) / 6],
    ),
  ).toBeLessThan(1e-9);
  // Var(x) of a layer is its mean squared error over what it leaves unexplained.
  const left = golden.var_exp.map((explained) => 1 - explained);
  const variances = of('mse@per-dim-v1').map((mse, layer) => mse / left[layer]!);
  expect(value(metrics['var_exp@pooled-v1'])).toBeCloseTo(1 - sum(of('mse@per-dim-v1')) / sum(variances), 4);
  expect(measured).toMatchObject({ tokens: 144, rows: 6 });
});

it('is refused by name where an SAE is wanted, and where its files do not fit', async () => {
  await expect(openSaeFile(folder)).rejects.toThrow(UserError);
  await expect(openSaeFile(folder)).rejects.toThrow(/a cross-layer transcoder.*npx interpboard eval --sae/s);
  const copy = async (name: string): Promise<string> => {
    await cp(folder, join(copies, name), { recursive: true });
    return join(copies, name);
  };
  const short = await copy('short');
  await rm(join(short, 'W_enc_2.safetensors'));
  await expect(openCrossLayer(short)).rejects.toThrow(MalformedError);
  const cut = await copy('cut');
  for (const part of ['W_enc_5', 'W_dec_5']) await rm(join(cut, `${part}.safetensors`));
  await expect(openCrossLayer(cut)).rejects.toThrow(
    /a decoder to 6 layers; expected to 5|to 6 layers.*to 5/s,
  );
  const other = await copy('other');
  await writeFile(join(other, 'config.yaml'), 'model_kind: transcoder_set\n');
  await expect(openCrossLayer(other)).rejects.toThrow(/model_kind/);
  // Broken after all that is asked of it.
  const whole = await readFile(join(folder, 'config.yaml'), 'utf8');
  await writeFile(join(other, 'config.yaml'), `${whole}\nrest: [1`);
  await expect(openCrossLayer(other)).rejects.toThrow(/expected YAML of at most/);
  await rm(join(other, 'config.yaml'));
  await expect(openCrossLayer(other)).rejects.toThrow(UnavailableError);
});
