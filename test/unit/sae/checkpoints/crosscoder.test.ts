/** Crosscoders as their authors save them: their latents and reconstructions, and files that are not what they should be. */
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InterpboardError, MalformedError, UserError } from '../../../../runner/errors.ts';
import { encodeSafetensors, readFloats, readSafetensors } from '../../../../runner/formats/safetensors.ts';
import { withFile } from '../../../../runner/io/byte-source.ts';
import { random } from '../../../../runner/math/random.ts';
import type { LoadOptions } from '../../../../runner/sae/checkpoints/adapter.ts';
import type { CrosscoderFile } from '../../../../runner/sae/checkpoints/crosscoder.ts';
import { detectAdapter } from '../../../../runner/sae/checkpoints/detect.ts';
import { openSaeFile } from '../../../../runner/sae/checkpoints/load.ts';
import { decoderGeometry, relativeNorms } from '../../../../runner/sae/crosscoder-decoders.ts';
import { openCrosscoder } from '../../../../runner/sae/open-crosscoder.ts';
import { storedSha256 } from '../../../../runner/sae/stored-sae.ts';
import layers from '../../../fixtures/crosscoder/layers/golden.json' with { type: 'json' };
import replication from '../../../fixtures/crosscoder/replication/golden.json' with { type: 'json' };
import { mutated } from '../../formats/hostile.ts';
import { relativeDifference } from '../support.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/crosscoder/', import.meta.url));
let root: string;
let copies = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'crosscoders-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function opened(folder: string, options: LoadOptions = {}): Promise<CrosscoderFile> {
  return (await detectAdapter(folder)).crosscoder!(folder, options);
}

async function copyOf(name: string): Promise<string> {
  const folder = join(root, String(copies++));
  await cp(join(fixtures, name), folder, { recursive: true });
  return folder;
}

/** A copy whose config is changed. */
async function changed(name: string, config: string, change: (said: Record<string, unknown>) => unknown) {
  const folder = await copyOf(name);
  const path = join(folder, config);
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
  return folder;
}

it.each<[string, number, LoadOptions]>([
  ['replication', 1e-5, { normScales: replication.scales }],
  ['layers', 1e-5, {}],
  ['trained', 1e-6, {}],
  ['tied/CROSSCODER', 0, {}],
  ['tied/SAE', 0, {}],
  ['tied/MIXED', 0, {}],
  ['tied/NONE', 0, {}],
])('%s has the latents and reconstructions of its authors’ program', async (name, slack, options) => {
  const folder = join(fixtures, name);
  const file = await opened(folder, options);
  const { places, d } = file;
  const golden = await withFile(join(folder, 'golden.safetensors'), async (source) => {
    const tensors = await readSafetensors(source);
    const read = (of: string) => readFloats(source, tensors, of);
    return {
      x: await read('x'),
      latents: await read('latents'),
      reconstruction: await read('reconstruction'),
    };
  });
  const tokens = golden.x.length / places / d;
  /** One place of [tokens, places, d]. */
  const at = (all: Float32Array, place: number) =>
    Float32Array.from(
      { length: tokens * d },
      (_, i) => all[(Math.floor(i / d) * places + place) * d + (i % d)]!,
    );
  const each = (all: Float32Array) => Array.from({ length: places }, (_, place) => at(all, place));
  const coder = await openCrosscoder(file, { threads: 1 });
  const latents = await coder.encode(each(golden.x), tokens);
  const dense = new Float32Array(tokens * coder.d_sae);
  latents.values.forEach((value, i) => {
    if (value > 0) dense[Math.floor(i / latents.k) * coder.d_sae + latents.indices[i]!] = value;
  });
  expect(relativeDifference([...dense], [...golden.latents])).toBeLessThanOrEqual(slack);
  // Which of them are active is the same, whatever the rounding.
  expect([...dense].map((z) => z > 0)).toEqual([...golden.latents].map((z) => z > 0));
  const rebuilt = await coder.decode(latents, tokens);
  const expected = each(golden.reconstruction);
  for (const [place, of] of rebuilt.entries())
    expect(relativeDifference([...of], [...expected[place]!])).toBeLessThanOrEqual(slack);
  await coder.close();
  await file.close();
});

it('says of the decoders what their authors’ figures do', async () => {
  for (const [name, golden, options] of [
    ['replication', replication, { normScales: replication.scales }],
    ['layers', layers, {}],
  ] as const) {
    const file = await opened(join(fixtures, name), options);
    const { norms, cosines } = await decoderGeometry(file);
    await file.close();
    // Of a decoder of 0 torch's cosine is 0.
    const cosine = [...cosines].map((each) => (Number.isNaN(each) ? 0 : each));
    expect(relativeDifference(cosine, golden.cosine)).toBeLessThan(1e-6);
    const shares = golden.share_of_norm.map((_, place, { length }) => {
      const of = Array.from({ length: norms.length / length }, (_each, latent) =>
        norms.subarray(latent * length, (latent + 1) * length),
      );
      return of.reduce((sum, each) => sum + each[place]! / each.reduce((a, b) => a + b), 0) / of.length;
    });
    expect(relativeDifference(shares, golden.share_of_norm)).toBeLessThan(1e-6);
    if (golden.relative_norm !== null)
      expect(relativeDifference([...relativeNorms({ norms })], golden.relative_norm)).toBeLessThan(1e-6);
  }
});

it('reads what lies transposed and by places as it lies whole', async () => {
  const file = await opened(join(fixtures, 'layers'));
  const { W_enc, W_dec } = file.sae;
  const whole = await W_dec.read();
  expect(W_enc.place).not.toBeNull();
  // Each place's decoder is used where it lies.
  expect(file.decoders!.map(({ place }) => place?.turned)).toEqual([false, false, false]);
  const part = await W_dec.block({ rows: [3, 9], columns: [100, 300] });
  for (let row = 3; row < 9; row++)
    for (let column = 100; column < 300; column++)
      expect(part[(row - 3) * 200 + column - 100]).toBe(whole[row * W_dec.columns + column]);
  const turned = await W_dec.turned().block({ rows: [100, 102], columns: [0, 24] });
  expect(turned[24 + 5]).toBe(whole[5 * W_dec.columns + 101]);
  expect(await storedSha256(file.sae)).toMatch(/^[0-9a-f]{64}$/);
  await file.close();
});

it('works on stretches of tokens, between which it may be stopped', async () => {
  for (const [name, options] of [
    ['replication', { normScales: replication.scales }],
    ['layers', {}],
  ] as const) {
    const file = await opened(join(fixtures, name), options);
    const [whole, apart] = [
      await openCrosscoder(file, { threads: 1 }),
      await openCrosscoder(file, { threads: 1 }, { products: 3 * file.sae.d_in * 24, rows: 5_000 }),
    ];
    const tokens = 16;
    const x = Array.from({ length: file.places }, (_, place) =>
      Float32Array.from({ length: tokens * file.d }, (_each, i) => 20 * Math.sin(i * (place + 1))),
    );
    let asked = 0;
    const between = () => void asked++;
    const latents = await whole.encode(x, tokens);
    expect(await apart.encode(x, tokens, between)).toEqual(latents);
    expect(asked).toBe(6);
    const rebuilt = await whole.decode(latents, tokens);
    expect(await apart.decode(latents, tokens, between)).toEqual(rebuilt);
    expect(asked).toBeGreaterThan(10);
    const stop = () => {
      throw new Error('stopped');
    };
    await expect(apart.encode(x, tokens, stop)).rejects.toThrow('stopped');
    for (const each of [whole, apart, file]) await each.close();
  }
});

it('is refused by name where an SAE of one hook is wanted', async () => {
  for (const name of ['replication', 'layers', 'trained', 'tied/NONE']) {
    const refused = openSaeFile(join(fixtures, name));
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(/a crosscoder, whose latents.*npx interpboard eval --sae/);
  }
});

it('asks for the scales that files do not have, one for each model', async () => {
  const folder = join(fixtures, 'replication');
  await expect(opened(folder)).rejects.toThrow(
    /no word of how activations are scaled; expected 2 scales.*#normScales=/,
  );
  await expect(opened(folder, { normScales: [1] })).rejects.toThrow(/found 1 scale;/);
  const idle = opened(join(fixtures, 'layers'), { normScales: [1, 1, 1] });
  await expect(idle).rejects.toThrow(/#normScales, of which the format .* has its own word/);
});

it('refuses what is not computed as other crosscoders are', async () => {
  const partly = await changed('layers', 'config.json', (said) => ({ ...said, encoder_layers: [0, 2] }));
  await expect(opened(partly)).rejects.toThrow(/places 0, 2 of 3 read/);
  const wider = await changed('layers', 'config.json', (said) => ({ ...said, num_decoder_layers: 4 }));
  await expect(opened(wider)).rejects.toThrow(/3 places read and 4 written/);
  const apart = await changed('trained', 'config.json', ({ trainer }) => ({
    trainer: { ...(trainer as object), dict_class: 'BatchTopKCrossCoder', code_normalization: 'OTHER' },
  }));
  await expect(opened(apart)).rejects.toThrow(MalformedError);
  const folder = await copyOf('layers');
  const path = join(folder, 'model.safetensors');
  const tensors = await withFile(path, async (source) => {
    const file = await readSafetensors(source);
    const bytes = new Map<string, Uint8Array>();
    for (const [name, { start, end }] of file.tensors) bytes.set(name, await source.slice(start, end));
    return { file, bytes };
  });
  const header = await readFile(path);
  const { start } = tensors.file.tensors.get('code_normalization_id')!;
  header[start] = 5;
  await writeFile(path, header);
  await expect(opened(folder)).rejects.toThrow(/decoupled codes/);
  header[start] = 77;
  await writeFile(path, header);
  await expect(opened(folder)).rejects.toThrow(/code normalisation 77/);
});

it('refuses files whose parts do not fit', async () => {
  const other = async (
    name: string,
    config: string,
    change: object,
    words: RegExp,
    options: LoadOptions = {},
  ) => {
    const folder = await changed(name, config, (said) =>
      'trainer' in said ? { trainer: { ...(said.trainer as object), ...change } } : { ...said, ...change },
    );
    await expect(opened(folder, options)).rejects.toThrow(MalformedError);
    await expect(opened(folder, options)).rejects.toThrow(words);
  };
  const scaled = { normScales: [1, 1] };
  await other(
    'replication',
    'cfg.json',
    { d_in: 64 },
    /W_enc.*shape \[256, 24\]; expected \[128, 24\]/,
    scaled,
  );
  await other('replication', 'cfg.json', { dict_size: 2 ** 40 }, /dict_size/, scaled);
  await other('layers', 'config.json', { num_layers: 2 }, /activation_mean.*\[3, 128\].*\[2, 128\]/);
  await other('layers', 'config.json', { num_layers: 1 }, /num_layers/);
  await other('layers', 'config.json', { new_setting: 1 }, /new_setting|every key of it known/);
  await other('trained', 'config.json', { dict_size: 41 }, /\[2, 12, 40\]; expected \[2, 12, 41\]/);
  const cut = await copyOf('layers');
  const whole = await readFile(join(cut, 'model.safetensors'));
  await writeFile(join(cut, 'model.safetensors'), whole.subarray(0, whole.length - 9));
  await expect(opened(cut)).rejects.toThrow(MalformedError);
  await writeFile(
    join(cut, 'model.safetensors'),
    encodeSafetensors({ 'encoder.weight': { dtype: 'F32', shape: [2, 1], data: new Float32Array(2) } }),
  );
  await expect(opened(cut)).rejects.toThrow(/weights of shape/);
  const nameless = await copyOf('replication');
  await rename(join(nameless, 'cfg.json'), join(nameless, 'config.json'));
  await expect(detectAdapter(nameless)).rejects.toThrow(/no known format/);
  const empty = await copyOf('replication');
  await writeFile(join(empty, 'cc_weights.pt'), '');
  await expect(opened(empty, scaled)).rejects.toThrow(MalformedError);
});

it('is told from language models, whose files have the same names', async () => {
  const folder = await copyOf('layers');
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  await expect(detectAdapter(folder)).rejects.toThrow(/no known format/);
});

it('damaged files: an error of ours or a crosscoder, nothing else', async () => {
  let refused = 0;
  for (const [name, files, options] of [
    ['replication', ['cfg.json', 'cc_weights.pt'], { normScales: [1, 1] }],
    ['layers', ['config.json', 'model.safetensors'], {}],
    ['tied/MIXED', ['config.json', 'model_final.pt'], {}],
  ] as const) {
    const folder = await copyOf(name);
    for (const file of files) {
      const original = await readFile(join(folder, file));
      // Of tensors what lies before the numbers, where a change is more than another number.
      const head = file.endsWith('.safetensors') ? 8 + Number(original.readBigUInt64LE(0)) : original.length;
      for (let seed = 0; seed < 40; seed++) {
        const damaged = mutated(original.subarray(0, head), random('crosscoder', name, file, seed));
        await writeFile(join(folder, file), Buffer.concat([damaged, original.subarray(head)]));
        const result = await opened(folder, options).catch((caught: unknown) => caught);
        if (!(result instanceof Error)) {
          await (result as CrosscoderFile).close();
          continue;
        }
        if (!(result instanceof InterpboardError))
          throw new Error(`${file}, seed ${seed}`, { cause: result });
        expect(result.message).not.toMatch(/[\n\r]/);
        expect(result.message.length).toBeLessThan(1_000);
        refused++;
      }
      await writeFile(join(folder, file), original);
    }
  }
  expect(refused).toBeGreaterThan(80);
});
