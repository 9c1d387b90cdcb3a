/** Files that say a thing twice: the combined file of the reference evaluation, and two records of one SAE. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importFile } from '../../../runner/exchange/import-file.ts';
import { merged } from '../../../runner/exchange/merge.ts';
import { layerExport } from '../../../runner/report/exports.ts';
import { fixture } from '../site/fixtures.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-import-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function combined(change: (layer: Record<string, unknown>) => void, key = 'L2'): Promise<string> {
  const layer = { ...layerExport(fixture('small-world-l2')) } as Record<string, unknown>;
  change(layer);
  const path = join(folder, 'interpscore_papergrade.json');
  await writeFile(
    path,
    JSON.stringify({ model: 'owner/shared', sae_repo: 'a/b', per_layer: { [key]: layer } }),
  );
  return path;
}

describe('the combined file', () => {
  it('gives a layer what it says for all of them', async () => {
    const path = await combined((layer) => {
      delete layer.model;
    });
    const [found] = await importFile(path, {});
    expect(found?.model.id).toBe('owner/shared');
  });

  it('is refused where the key of a layer and the layer itself contradict each other', async () => {
    const path = await combined((layer) => {
      layer.model = null;
    }, 'L3');
    await expect(importFile(path, {})).rejects.toThrow(/found per_layer "L3" and its layer "2"/);
  });

  it('is refused where a layer names another model', async () => {
    const path = await combined((layer) => {
      layer.model = 'owner/other';
    });
    await expect(importFile(path, {})).rejects.toThrow(/owner\/other/);
  });
});

describe('two records of one SAE', () => {
  const first = fixture('small-world-l2');
  const second = { ...first, sae: { ...first.sae, k: 7 } };

  it('contradict each other by name', () => {
    expect(() => merged(first, second, 'second.json')).toThrow(/sae\.k/);
  });

  it('the second is taken where it is to replace the first', () => {
    expect(merged(first, second, 'second.json', true).sae.k).toBe(7);
    expect(merged(second, first, 'second.json', true).sae.k).toBe(first.sae.k);
  });
});
