import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { HookLike } from '../../../../runner/hook.ts';
import { hashFile } from '../../../../runner/io/hash.ts';
import type { ModelShape } from '../../../../runner/job/shared/model-place.ts';
import { describePublished as describeSaes } from '../../../../runner/job/shared/published-saes.ts';
import type { SaePlace } from '../../../../runner/sae/published/place.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/sae/', import.meta.url));
const model: ModelShape = { dModel: 12, blocks: 4, widthAt: () => 12 };

const describePublished = (places: readonly SaePlace[], of: ModelShape) =>
  describeSaes(places, of, (paths) => Promise.all(paths.map(hashFile)));

const place = (file: string, asked?: HookLike): SaePlace => ({
  name: `${fixtures}${file}`,
  path: `${fixtures}${file}`,
  options: {},
  hook: { asked, fromPath: null },
  repo: null,
  revision: null,
  pathInRepo: null,
  license: null,
  registry: null,
  conversions: [],
});

it('calls an SAE of one file by its name without the ending, and finds its block in it', async () => {
  const [one, other] = await describePublished(
    [place('goodfire/sae/tiny-SAE-l2.pth'), place('openai/relu/layer.pt', 3)],
    model,
  );
  expect(one).toMatchObject({ id: 'L2_tiny-sae-l2', layer: 2, format: 'goodfire' });
  expect(one!.files).toMatchObject([{ name: 'tiny-SAE-l2.pth' }]);
  expect(other).toMatchObject({ id: 'L3_layer', layer: 3 });
});

it('names the hook that the files say where another is asked for', async () => {
  const path = 'sae-lens/standard';
  const hook = await describePublished([place(path)], model);
  const [same, other] = await describePublished([place(path, hook[0]!.layer), place(path, 0)], model);
  expect([hook[0]!.otherHook, same!.otherHook]).toEqual([null, null]);
  expect(other).toMatchObject({ layer: 0, otherHook: `resid_post:${hook[0]!.layer}` });
});

it('keeps SAEs of one name apart, and refuses one of another width or block', async () => {
  const path = 'goodfire/sae/tiny-SAE-l2.pth';
  const twice = await describePublished([place(path), place(path)], model);
  expect(twice.map(({ id }) => id)).toEqual(['L2_tiny-sae-l2', 'L2_tiny-sae-l2-2']);
  await expect(describePublished([place(path)], { ...model, widthAt: () => 16 })).rejects.toThrow(/width 12/);
  await expect(describePublished([place(path)], { ...model, blocks: 2 })).rejects.toThrow(
    /found one of resid_post:2 and width 12; expected a block below 2,/,
  );
});

it.each([
  ['whitened-standard', 'activation_whitening.safetensors'],
  ['checkpoint-standard-scaler', 'activation_scaler.json'],
])('%s consists of %s too, beside config and weights', async (folder, beside) => {
  const copy = join(await mkdtemp(join(tmpdir(), 'beside-')), 'standard');
  try {
    await cp(`${fixtures}sae-lens/${folder}`, copy, { recursive: true });
    const at = { ...place('', 2), name: copy, path: copy };
    const [before] = await describePublished([at], model);
    expect(before!.files.map(({ name }) => name)).toEqual(['sae_weights.safetensors', 'cfg.json', beside]);
    const bytes = await readFile(join(copy, beside));
    // The last byte or digit that belongs to a number.
    const last = bytes.findLastIndex(
      (byte) => beside.endsWith('.json') === /\d/.test(String.fromCharCode(byte)),
    );
    bytes[last] = bytes[last]! ^ 1;
    await writeFile(join(copy, beside), bytes);
    const [after] = await describePublished([at], model);
    expect(after!.files[2]!.sha256).not.toBe(before!.files[2]!.sha256);
    expect(after!.files.slice(0, 2)).toEqual(before!.files.slice(0, 2));
  } finally {
    await rm(join(copy, '..'), { recursive: true });
  }
});
