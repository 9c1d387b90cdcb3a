import { cp, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedError, UserError } from '../../../runner/errors.ts';
import { encodeSafetensors, readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { linksAreMade, NO_LINKS } from '../../links.ts';

const tiny = fileURLToPath(new URL('../../fixtures/lm/tiny-f32', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
  await cp(tiny, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function editConfig(edit: (config: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  edit(config);
  await writeFile(path, JSON.stringify(config));
}

async function open(hooks = [0]) {
  return openLanguageModel(await openCheckpoint(folder), { hooks });
}

describe('checkpoints', () => {
  it('split into shards give the same residuals as one file', async () => {
    const batch = { ids: Int32Array.of(1, 2, 3), rows: 1, tokens: 3 };
    const whole = await open([2]);
    const expected = await whole.residuals(batch);
    await whole.close();
    const weightMap: Record<string, string> = {};
    const shards: Record<string, Parameters<typeof encodeSafetensors>[0][string]>[] = [{}, {}];
    await withFile(join(folder, 'model.safetensors'), async (source) => {
      const file = await readSafetensors(source);
      let i = 0;
      for (const [name, { shape }] of file.tensors) {
        shards[i % 2]![name] = { dtype: 'F32', shape, data: await readFloats(source, file, name) };
        weightMap[name] = `part-${i % 2}.safetensors`;
        i++;
      }
    });
    await Promise.all(
      shards.map((shard, i) =>
        writeFile(join(folder, `part-${i}.safetensors`), Buffer.concat(encodeSafetensors(shard))),
      ),
    );
    await rm(join(folder, 'model.safetensors'));
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    const sharded = await open([2]);
    expect(await sharded.residuals(batch)).toEqual(expected);
    await sharded.close();
  });

  it('are read through links into other folders, as a cache has them', async (context) => {
    if (!(await linksAreMade())) context.skip(NO_LINKS);
    const batch = { ids: Int32Array.of(1, 2, 3), rows: 1, tokens: 3 };
    const plain = await open([2]);
    const expected = await plain.residuals(batch);
    await plain.close();
    const blobs = await mkdtemp(join(tmpdir(), 'interpboard-blobs-'));
    await rename(join(folder, 'model.safetensors'), join(blobs, 'a1b2'));
    await symlink(join(blobs, 'a1b2'), join(folder, 'model.safetensors'));
    const linked = await open([2]);
    expect(await linked.residuals(batch)).toEqual(expected);
    await linked.close();
    await rm(blobs, { recursive: true });
  });

  it('refuse an index that leads out of the folder or names a tensor its shard lacks', async () => {
    const index = join(folder, 'model.safetensors.index.json');
    await rename(join(folder, 'model.safetensors'), join(folder, 'part-1.safetensors'));
    await writeFile(index, JSON.stringify({ weight_map: { a: '../part-1.safetensors' } }));
    await expect(openCheckpoint(folder)).rejects.toThrow(MalformedError);
    await writeFile(index, JSON.stringify({ weight_map: { a: 'part-1.safetensors' } }));
    await expect(openCheckpoint(folder)).rejects.toThrow(/"a" placed in part-1.safetensors, which lacks it/);
  });

  it('refuse a truncated weight file', async () => {
    await truncate(join(folder, 'model.safetensors'), 4_000);
    await expect(openCheckpoint(folder)).rejects.toThrow(MalformedError);
  });

  it('name a tensor whose shape is not what the config implies', async () => {
    await editConfig((config) => {
      config.intermediate_size = 73;
    });
    await expect(open()).rejects.toThrow(
      /mlp.gate_proj.weight.*F32 \[72, 48\]; expected a floating type of shape \[73, 48\]/,
    );
  });

  it('name a config field of the wrong kind', async () => {
    await editConfig((config) => {
      config.hidden_size = '48';
    });
    await expect(open()).rejects.toThrow(/config.json, hidden_size/);
  });

  it('list the families known for an unknown one', async () => {
    await editConfig((config) => {
      config.model_type = 'toString';
    });
    await expect(open()).rejects.toThrow(/"toString"; expected one of .*qwen3/);
  });

  it('refuse a hook the model does not have, and a folder without a model', async () => {
    await expect(open([3])).rejects.toThrow(/a block between 0 and 2/);
    await expect(openCheckpoint(join(folder, 'nowhere'))).rejects.toThrow(UserError);
  });
});
