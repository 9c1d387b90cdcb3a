import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { isModelFile } from '../../../runner/lm/model-files.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';

const llama = fileURLToPath(new URL('../../fixtures/lm/llama', import.meta.url));

afterEach(() => vi.unstubAllEnvs());

describe('files of a language model', () => {
  it.each([
    'config.json',
    'tokenizer.json',
    'model.safetensors',
    'model.safetensors.index.json',
    'model-00001-of-00002.safetensors',
    // As Qwen3.5 and Qwen3.6 name theirs.
    'model.safetensors-00001-of-00015.safetensors',
    // Beside weights it is an error, which is to be seen.
    'adapter_config.json',
  ])('%s is one', (name) => expect(isModelFile(name, [name])).toBe(true));

  it.each(['pytorch_model.bin', 'adapter_model.safetensors', 'onnx/model.onnx', 'README.md'])(
    '%s is none',
    (name) => expect(isModelFile(name, [name, 'model.safetensors'])).toBe(false),
  );

  it.each(['pytorch_model.bin', 'pytorch_model-00001-of-00002.bin', 'pytorch_model.bin.index.json'])(
    '%s is one where there are no safetensors files',
    (name) => expect(isModelFile(name, [name, 'config.json'])).toBe(true),
  );

  it('are all there is: running one writes nothing, no .onnx above all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'interpboard-files-'));
    try {
      await cp(llama, join(folder, 'model'), { recursive: true });
      await mkdir(join(folder, 'tmp'));
      vi.stubEnv('TMPDIR', join(folder, 'tmp'));
      const list = async () => (await readdir(folder, { recursive: true })).sort();
      const before = await list();
      const here = await readdir('.');
      const model = await openLanguageModel(await openCheckpoint(join(folder, 'model')), { hooks: [0] });
      const batch = { ids: Int32Array.of(1, 2, 3), rows: 1, tokens: 3 };
      const [residual] = await model.residuals(batch);
      await model.losses(0, residual!, batch);
      await model.close();
      expect(await list()).toEqual(before);
      expect((await readdir('.')).filter((name) => !here.includes(name) && name.endsWith('.onnx'))).toEqual(
        [],
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
