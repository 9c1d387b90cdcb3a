import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readFloats, readSafetensors } from '../../../../runner/formats/safetensors.ts';
import { withFile } from '../../../../runner/io/byte-source.ts';
import { detectFormat } from '../../../../runner/sae/checkpoints/detect.ts';
import { readDictionaryLearning } from '../../../../runner/sae/checkpoints/dictionary-learning.ts';
import { readGemmaScope } from '../../../../runner/sae/checkpoints/gemma-scope.ts';
import { readGemmaScope2 } from '../../../../runner/sae/checkpoints/gemma-scope-2.ts';
import { readLlamaScope } from '../../../../runner/sae/checkpoints/llama-scope.ts';
import type { LoadedSae, SaeFormat } from '../../../../runner/sae/checkpoints/loaded.ts';
import { readOpenAi } from '../../../../runner/sae/checkpoints/openai.ts';
import { readQwenScope } from '../../../../runner/sae/checkpoints/qwen-scope.ts';
import { readSaeLens } from '../../../../runner/sae/checkpoints/sae-lens.ts';
import { readSparsify } from '../../../../runner/sae/checkpoints/sparsify.ts';
import { openSae } from '../../../../runner/sae/open-sae.ts';
import * as reference from '../../../../runner/sae/reference.ts';
import { dense, relativeDifference } from '../support.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/sae/', import.meta.url));
/** The makers' NORM_SCALE and k: what those formats do not have in their files. */
const NORM_SCALE = 0.375;

const readers: Partial<Record<SaeFormat, (folder: string) => Promise<LoadedSae>>> = {
  'sae-lens': (folder) =>
    readSaeLens(folder, folder.includes('average-norm') ? { normScale: NORM_SCALE } : {}),
  'dictionary-learning': readDictionaryLearning,
  sparsify: readSparsify,
  'gemma-scope': readGemmaScope,
  'gemma-scope-2': readGemmaScope2,
  'llama-scope': readLlamaScope,
  openai: (folder) => readOpenAi(`${folder}/layer.pt`, { normalize: folder.includes('normalised') }),
  'qwen-scope': (folder) => readQwenScope(`${folder}/layer0.sae.pt`, { k: 5 }),
};

const singleFiles: Partial<Record<SaeFormat, string>> = { 'qwen-scope': 'layer0.sae.pt', openai: 'layer.pt' };

const cases = Object.keys(readers).flatMap((format) =>
  readdirSync(`${fixtures}${format}`).map((name) => ({ format: format as SaeFormat, name })),
);

test('there are as many cases as the makers write', () => {
  expect(cases.length).toBe(53);
});

test.each(cases)('$format/$name computes what its author’s library computes', async ({ format, name }) => {
  const folder = `${fixtures}${format}/${name}`;
  expect(await detectFormat(singleFiles[format] ? `${folder}/${singleFiles[format]}` : folder)).toBe(format);
  const { sae, ...loaded } = await readers[format]!(folder);
  expect(loaded.format).toBe(format);
  const golden = await withFile(`${folder}/golden.safetensors`, async (source) => {
    const file = await readSafetensors(source);
    const [x, latents, reconstruction] = await Promise.all(
      ['x', 'latents', 'reconstruction'].map((tensor) => readFloats(source, file, tensor)),
    );
    return { x: x!, latents: latents!, reconstruction: reconstruction! };
  });
  const tokens = golden.x.length / sae.d_in;
  const open = await openSae(sae, { threads: 1 });
  const programs = await open.reconstruct(golden.x, tokens).finally(() => open.close());
  const slow = reference.reconstruct(sae, golden.x, tokens);
  const differences = [programs, slow].map((found) => ({
    latents: relativeDifference(dense(found, sae.d_sae, tokens), golden.latents),
    reconstruction: relativeDifference(found.reconstruction, golden.reconstruction),
  }));
  const [fast, plain] = differences;
  console.info(
    `| ${format} | ${sae.architecture}${sae.d_out ? ' transcoder' : ''} (${name}) | ${fast!.latents.toExponential(1)} | ${fast!.reconstruction.toExponential(1)} | ${plain!.latents.toExponential(1)} | ${plain!.reconstruction.toExponential(1)} |`,
  );
  for (const { latents, reconstruction } of differences) {
    expect(latents).toBeLessThan(1e-5);
    expect(reconstruction).toBeLessThan(1e-5);
  }
  // The fixture would notice: with b_dec the other way round, the figures are far off.
  if (sae.d_out !== undefined) return;
  const wrong = { ...sae, apply_b_dec_to_input: !sae.apply_b_dec_to_input };
  const { reconstruction } = reference.reconstruct(wrong, golden.x, tokens);
  expect(relativeDifference(reconstruction, golden.reconstruction)).toBeGreaterThan(1e-2);
});
