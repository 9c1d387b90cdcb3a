import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readFloats, readSafetensors } from '../../../../runner/formats/safetensors.ts';
import { withFile } from '../../../../runner/io/byte-source.ts';
import type { LoadOptions } from '../../../../runner/sae/checkpoints/adapter.ts';
import { adapters } from '../../../../runner/sae/checkpoints/adapters.ts';
import { loadSae } from '../../../../runner/sae/checkpoints/load.ts';
import type { SaeFormat } from '../../../../runner/sae/checkpoints/loaded.ts';
import { openSae } from '../../../../runner/sae/open-sae.ts';
import * as reference from '../../../../runner/sae/reference.ts';
import type { Sae } from '../../../../runner/sae/sae.ts';
import { ROUNDINGS, SLACK, upwards } from '../../upwards.ts';
import { dense, relativeDifference } from '../support.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/sae/', import.meta.url));
/** The makers' NORM_SCALE and k: what those formats do not have in their files. */
const NORM_SCALE = 0.375;
/** Tokens of each text in the inputs of temporal SAEs. */
const SEQUENCE = 8;

/** What the files of some do not say. */
function optionsOf(format: SaeFormat, name: string): LoadOptions {
  if (name.includes('average-norm')) return { normScale: NORM_SCALE };
  return format === 'qwen-scope' ? { k: 5 } : {};
}

const singleFiles: Record<string, string> = {
  goodfire: 'tiny-SAE-l2.pth',
  'qwen-scope': 'layer0.sae.pt',
  openai: 'layer.pt',
  'circuit-tracer': 'layer_3.safetensors',
  'attention-saes': 'tiny_L2_Hcat_z_lr1.20e-03_l11.80e+00_v9.pt',
};

const cases = adapters
  .map(({ format }) => format)
  .filter((format) => existsSync(`${fixtures}${format}`))
  .flatMap((format) => readdirSync(`${fixtures}${format}`).map((name) => ({ format, name })));

interface Measured {
  format: SaeFormat;
  architecture: string;
  name: string;
  latents: number;
  reconstruction: number;
}

const measured: Measured[] = [];

function named(sae: Sae): string {
  return `${sae.context ? 'temporal ' : ''}${sae.architecture}${sae.d_out === undefined ? '' : sae.W_skip ? ' skip transcoder' : ' transcoder'}`;
}

/** Signed latents [tokens, n] as we have them: what each is above 0, and after all of them what it is below. */
function halves(signed: Float32Array, tokens: number): Float32Array {
  const n = signed.length / tokens;
  return Float32Array.from({ length: 2 * signed.length }, (_, at) => {
    const [t, j] = [Math.floor(at / (2 * n)), at % (2 * n)];
    const value = signed[t * n + (j % n)]!;
    return Math.max(0, j < n ? value : -value);
  });
}

test('there are as many cases as the makers write', () => {
  expect(cases.length).toBe(96);
});

test.each(cases)('$format/$name computes what its author’s library computes', async ({ format, name }) => {
  const folder = `${fixtures}${format}/${name}`;
  const single = singleFiles[format];
  const path = single === undefined ? folder : `${folder}/${single}`;
  const { sae, ...loaded } = await loadSae(path, optionsOf(format, name));
  expect(loaded.format).toBe(format);
  const golden = await withFile(`${folder}/golden.safetensors`, async (source) => {
    const file = await readSafetensors(source);
    const [x, latents, reconstruction] = await Promise.all(
      ['x', 'latents', 'reconstruction'].map((tensor) => readFloats(source, file, tensor)),
    );
    return { x: x!, latents: latents!, reconstruction: reconstruction! };
  });
  const tokens = golden.x.length / sae.d_in;
  if (golden.latents.length === (tokens * sae.d_sae) / 2) golden.latents = halves(golden.latents, tokens);
  const sequence = sae.context === undefined ? tokens : SEQUENCE;
  const open = await openSae(sae, { threads: 1 });
  const programs = await open.reconstruct(golden.x, tokens, sequence).finally(() => open.close());
  const slow = reference.reconstruct(sae, golden.x, tokens, sequence);
  const differences = [programs, slow].map((found) => ({
    latents: relativeDifference(dense(found, sae.d_sae, tokens), golden.latents),
    reconstruction: relativeDifference(found.reconstruction, golden.reconstruction),
  }));
  const [fast, plain] = differences;
  for (const found of differences) measured.push({ format, architecture: named(sae), name, ...found });
  console.info(
    `| ${format} | ${named(sae)} (${name}) | ${fast!.latents.toExponential(1)} | ${fast!.reconstruction.toExponential(1)} | ${plain!.latents.toExponential(1)} | ${plain!.reconstruction.toExponential(1)} |`,
  );
  for (const { latents, reconstruction } of differences) {
    expect(latents).toBeLessThan(1e-5);
    expect(reconstruction).toBeLessThan(1e-5);
  }
  // The fixture would notice: with b_dec the other way round, the figures are far off.
  if (sae.d_out !== undefined || sae.b_dec.every((value) => value === 0)) return;
  const wrong = { ...sae, apply_b_dec_to_input: !sae.apply_b_dec_to_input };
  const { reconstruction } = reference.reconstruct(wrong, golden.x, tokens, sequence);
  expect(relativeDifference(reconstruction, golden.reconstruction)).toBeGreaterThan(1e-2);
});

test('the table of the fixtures says what is measured here', async () => {
  if (new Set(measured.map(({ format, name }) => `${format}/${name}`)).size < cases.length) return;
  const rows = Map.groupBy(measured, ({ format, architecture }) => `${format} | ${architecture}`);
  const table = [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, of]) => ({
      key: `${key} | ${new Set(of.map(({ name }) => name)).size}`,
      latents: Math.max(...of.map(({ latents }) => latents)),
      reconstruction: Math.max(...of.map(({ reconstruction }) => reconstruction)),
    }));
  const lines = table.map(
    ({ key, latents, reconstruction }) => `| ${key} | ${upwards(latents)} | ${upwards(reconstruction)} |`,
  );
  console.info(['', ...lines].join('\n'));
  const path = `${fixtures}README.md`;
  const text = await readFile(path, 'utf8');
  const [, before, written, after] =
    /^(.*<!-- measured -->\n\|[^\n]*\n\|[^\n]*\n)(.*)(\n<!-- end -->.*)$/s.exec(text) ?? [];
  if (process.env.WRITE_TABLE === '1') {
    await writeFile(path, `${before}${lines.join('\n')}${after}`);
    return;
  }
  const stated = (written ?? '').split('\n').map((line) => line.split(' | '));
  const advice = 'WRITE_TABLE=1 in the environment of this test writes the table anew';
  expect(
    stated.map((cells) => cells.slice(0, 3).join(' | ')),
    advice,
  ).toEqual(table.map(({ key }) => `| ${key}`));
  // Some figures are a single rounding of the largest number. Sums of as few terms as here are off by a few.
  const held = (figure: string): number => Math.max(SLACK * Number.parseFloat(figure), ROUNDINGS);
  for (const [i, { key, latents, reconstruction }] of table.entries()) {
    const [, , , z, x] = stated[i]!;
    expect(latents, `${key}: ${advice}`).toBeLessThanOrEqual(held(z!));
    expect(reconstruction, `${key}: ${advice}`).toBeLessThanOrEqual(held(x!));
  }
});
