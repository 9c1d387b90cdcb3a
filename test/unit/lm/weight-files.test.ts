import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import {
  encodeSafetensors,
  readFloats,
  readSafetensors,
  type TensorToWrite,
} from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { checkpointNotes } from '../../../runner/lm/checkpoint-notes.ts';
import { modelFacts } from '../../../runner/lm/model-facts.ts';
import { openEverywhere } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
const batch = { ids: Int32Array.of(1, 2, 3, 50), rows: 1, tokens: 4 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
  await cp(`${fixtures}llama/config.json`, join(folder, 'config.json'));
  await cp(`${fixtures}llama/model.safetensors`, join(folder, 'model.safetensors'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const without = (name: string): Promise<void> => rm(at(name));

async function residuals(of: string): Promise<Float32Array[]> {
  const model = await openEverywhere(await openCheckpoint(of));
  return model.residuals(batch).finally(() => model.close());
}

/** The file's tensors, written anew after a change. */
async function rewrite(
  change: (name: string, data: Float32Array) => Float32Array,
  extra = {},
): Promise<void> {
  const tensors: Record<string, TensorToWrite> = { ...extra };
  await withFile(at('model.safetensors'), async (source) => {
    const file = await readSafetensors(source);
    for (const [name, { shape }] of file.tensors) {
      tensors[name] = { dtype: 'F32', shape, data: change(name, await readFloats(source, file, name)) };
    }
  });
  await writeFile(at('model.safetensors'), Buffer.concat(encodeSafetensors(tensors)));
}

describe('which files hold the weights', () => {
  it('one file wins over an index beside it, and that is said', async () => {
    const expected = await residuals(folder);
    await cp(at('model.safetensors'), at('other.safetensors'));
    await rename(at('model.safetensors'), at('kept'));
    await cp(at('other.safetensors'), at('model.safetensors'));
    await rewrite((_, data) => data.map((value) => 2 * value));
    await rename(at('model.safetensors'), at('other.safetensors'));
    await rename(at('kept'), at('model.safetensors'));
    const { tensors } = await openCheckpoint(folder);
    const map = Object.fromEntries([...tensors.keys()].map((name) => [name, 'other.safetensors']));
    await writeFile(at('model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    expect(await residuals(folder)).toEqual(expected);
    const note = 'weights are those of model.safetensors; model.safetensors.index.json beside it is not read';
    expect((await modelFacts(await openCheckpoint(folder))).notes).toEqual([expect.stringContaining(note)]);
    await without('model.safetensors');
    expect(await residuals(folder)).not.toEqual(expected);
  });

  it('blocks that the config does not count are named', async () => {
    const [{ blocks, notes }, checkpoint] = [
      await modelFacts(await openCheckpoint(folder)),
      await openCheckpoint(folder),
    ];
    expect(notes).toEqual([]);
    const fewer = { ...checkpoint, config: { ...checkpoint.config, num_hidden_layers: blocks - 1 } };
    expect(checkpointNotes(fewer, { blocks: blocks - 1 })).toEqual([
      `config.json says ${blocks - 1} blocks, and the files hold tensors of block ${blocks - 1}: blocks from ${blocks - 1} on are left out, as in transformers`,
    ]);
    // Layers that predict further tokens are no blocks.
    const further = { ...fewer, config: { ...fewer.config, num_nextn_predict_layers: 1 } };
    expect(checkpointNotes(further, { blocks: blocks - 1 })).toEqual([]);
  });

  it('torch’s file is read where it lies, and safetensors before it', async () => {
    const expected = await residuals(folder);
    expect(await residuals(`${fixtures}torch`)).toEqual(expected);
    await cp(`${fixtures}torch/pytorch_model.bin`, at('pytorch_model.bin'));
    expect((await openCheckpoint(folder)).files).toEqual(['model.safetensors']);
    await without('model.safetensors');
    const map = { weight_map: Object.fromEntries([['model.norm.weight', 'pytorch_model.bin']]) };
    await writeFile(at('pytorch_model.bin.index.json'), JSON.stringify(map));
    expect((await openCheckpoint(folder)).files).toEqual(['pytorch_model.bin']);
  });
});

describe('a folder of another kind is named for what it is', () => {
  it.each([
    ['model.Q4_K_M.gguf', /a GGUF file: "model.Q4_K_M.gguf".*gguf_file='model.Q4_K_M.gguf'/],
    ['adapter_model.safetensors', /an adapter \(LoRA\).*merge_and_unload/],
    ['consolidated.00.pth', /layout of Meta or Mistral/],
    ['flax_model.msgpack', /TensorFlow or JAX weights.*save_pretrained/],
    ['model.onnx', /an ONNX export/],
    ['README.md', /found no model.safetensors; expected config.json, tokenizer.json and model.safetensors/],
  ])('%s', async (name, message) => {
    await rename(at('model.safetensors'), at(name));
    await expect(openCheckpoint(folder)).rejects.toThrow(message);
    await expect(openCheckpoint(folder)).rejects.toBeInstanceOf(UserError);
  });

  it('also without a config.json', async () => {
    await without('config.json');
    await rename(at('model.safetensors'), at('adapter_model.safetensors'));
    await expect(openCheckpoint(folder)).rejects.toThrow(/an adapter \(LoRA\).*no config.json/);
    await without('adapter_model.safetensors');
    await expect(openCheckpoint(folder)).rejects.toThrow(/found no config.json/);
  });

  it.each(['model.safetensors', 'config.json'])('pointers of Git LFS: %s', async (name) => {
    const oid = 'a'.repeat(64);
    await writeFile(at(name), `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 4242\n`);
    const failure = openCheckpoint(folder);
    await expect(failure).rejects.toBeInstanceOf(MalformedError);
    await expect(failure).rejects.toThrow(/a pointer of Git LFS .* Run git lfs pull/);
  });
});

describe('weights that are not meant as they are', () => {
  it('an adapter beside them', async () => {
    await writeFile(at('adapter_config.json'), '{}');
    await expect(openCheckpoint(folder)).rejects.toThrow(
      /an adapter \(adapter_config.json\) beside the weights/,
    );
  });

  it.each(['weight_scale', 'weight_scale_inv', 'input_scale', 'scales', 'SCB'])(
    '%s tensors',
    async (name) => {
      const tensor = `model.layers.0.mlp.up_proj.${name}`;
      await rewrite((_, data) => data, { [tensor]: { dtype: 'F32', shape: [1], data: Float32Array.of(2) } });
      await expect(openCheckpoint(folder)).rejects.toThrow(
        new RegExp(`tensor "${tensor.replaceAll('.', '\\.')}", by which quantised weights are scaled`),
      );
    },
  );
});

describe('the first number that is none', () => {
  const spoiled = (tensor: string, value: number, at = 5) =>
    rewrite((name, data) => (name === tensor ? data.with(at, value) : data));

  it.each([
    [
      'model.layers.1.mlp.up_proj.weight',
      Number.NaN,
      /segment 2 of 3 \(block 1, before hook resid_post:1\): found residual NaN at row 0, token 0; tensor "model.layers.1.mlp.up_proj.weight" holds NaN at element 5/,
    ],
    [
      'model.layers.0.self_attn.q_proj.bias',
      Number.POSITIVE_INFINITY,
      /segment 1 of 3 \(block 0, .*tensor "model.layers.0.self_attn.q_proj.bias" holds Infinity at element 5/,
    ],
  ])('%s of %s: segment, hook and tensor are named', async (tensor, value, message) => {
    await spoiled(tensor, value);
    const failure = residuals(folder);
    await expect(failure).rejects.toBeInstanceOf(MalformedError);
    await expect(failure).rejects.toThrow(message);
  });

  it('in one token’s embedding, by which attention spoils the row: another row is not', async () => {
    await spoiled('model.embed_tokens.weight', Number.NaN, 50 * 24);
    const model = await openEverywhere(await openCheckpoint(folder));
    const rows = { ids: Int32Array.of(1, 2, 3, 4, 50, 6), rows: 2, tokens: 3 };
    const message =
      /found residual NaN at row 1, token .; tensor "model.embed_tokens.weight" holds NaN at element 1200/;
    await expect(model.residuals(rows)).rejects.toThrow(message);
    await expect(model.heldResiduals(rows)).rejects.toThrow(message);
    await model.close();
  });

  it('in the head: the loss', async () => {
    await spoiled('lm_head.weight', Number.NaN);
    const model = await openEverywhere(await openCheckpoint(folder));
    const [residual] = await model.residuals(batch);
    await expect(model.losses(0, residual!, batch)).rejects.toThrow(
      /segment 3 of 3 \(no block and the head\): found loss NaN .*tensor "lm_head.weight" holds NaN at element 5/,
    );
    await model.close();
  });

  it('too large for float32 although every weight is a number', async () => {
    await rewrite((name, data) => (name.includes('mlp') ? data.map((value) => value * 1e20) : data));
    await expect(residuals(folder)).rejects.toThrow(/none of its tensors holds such a number/);
  });

  it('in what replaced a residual', async () => {
    const model = await openEverywhere(await openCheckpoint(folder));
    const [residual] = await model.residuals(batch);
    await expect(model.losses(0, residual!.fill(Number.NaN, 3, 4), batch)).rejects.toThrow(
      /from a residual that already held one: what replaced it is at fault/,
    );
    await model.close();
  });
});

it('the file on disk is as it was', async () => {
  expect(await readFile(at('model.safetensors'))).toEqual(
    await readFile(`${fixtures}llama/model.safetensors`),
  );
});
