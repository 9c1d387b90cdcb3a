import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';

async function json(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
}

test('the embedded model has the ordinary files, in at most 4 MB', async () => {
  const files = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(demoModelFolder, file))).size));
  expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(4_000_000);
});

test('its weights have the shapes that its configuration names', async () => {
  const config = await json(join(demoModelFolder, 'config.json'));
  const file = await open(join(demoModelFolder, 'model.safetensors'));
  const length = Number((await file.read(Buffer.alloc(8), 0, 8, 0)).buffer.readBigUInt64LE());
  const header = JSON.parse((await file.read(Buffer.alloc(length), 0, length, 8)).buffer.toString());
  await file.close();
  expect(config).toMatchObject({
    model_type: 'qwen3',
    num_hidden_layers: 6,
    hidden_size: 128,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 32,
    vocab_size: 2048,
    tie_word_embeddings: true,
  });
  const shape = (name: string): number[] => header[name].shape;
  expect(shape('model.embed_tokens.weight')).toEqual([2048, 128]);
  expect(shape('model.layers.5.self_attn.k_proj.weight')).toEqual([64, 128]);
  expect(shape('model.layers.0.mlp.down_proj.weight')).toEqual([128, config.intermediate_size]);
  expect(header['lm_head.weight']).toBeUndefined();
  for (const [name, tensor] of Object.entries<{ dtype: string }>(header)) {
    if (name !== '__metadata__') expect(tensor.dtype).toBe('F16');
  }
});

test('it has learnt the small world: its held-out loss is well below the baselines', async () => {
  const figures = await json(join(demoModelFolder, '..', 'training', 'heldout.json'));
  const { model, unigram, fivegram } = figures as Record<string, number>;
  expect(model).toBeLessThan(fivegram! - 0.15);
  expect(fivegram).toBeLessThan(unigram!);
});
