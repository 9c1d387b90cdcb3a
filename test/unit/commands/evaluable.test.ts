/** The share of SAELens' registry that can be evaluated, over a copy of the registry. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { obstacle, shareOf } from '../../../runner/commands/evaluable.ts';
import { describeEntries } from '../../../runner/commands/search-saes.ts';
import { placeName } from '../../../runner/hook.ts';
import { parseRegistry, searchRegistry } from '../../../runner/sae/published/registry.ts';

const path = fileURLToPath(new URL('../../fixtures/sae-registry/sae-lens.yaml.gz', import.meta.url));
const registry = parseRegistry('the registry', gunzipSync(readFileSync(path)).toString('utf8'));

it('is the figure that the README gives', () => {
  const share = shareOf(registry);
  const saes = registry.filter(({ hook }) => hook?.reads === undefined);
  const percent = (part: number): string => `${((100 * part) / registry.length).toFixed(1)} %`;
  console.info(
    [
      `of ${share.entries} entries ${share.evaluated} can be evaluated (${percent(share.evaluated)}); without transcoders ${percent(shareOf(saes).evaluated)}`,
      ...share.left.map(([reason, count]) => `${count}: ${reason}`),
    ].join('\n'),
  );
  expect(share.evaluated / share.entries).toBeGreaterThan(0.95);
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const count = (value: number): string => value.toLocaleString('en-US');
  expect(readme).toContain(
    `${count(share.evaluated)} of the ${count(share.entries)} entries (${percent(share.evaluated)})`,
  );
});

it('says of every entry what stands in its way', () => {
  const of = (release: string, id: string) => {
    const entry = registry.find((each) => each.release === release && each.id.includes(id))!;
    return obstacle(entry) ?? placeName(entry.hook!);
  };
  expect(of('gemma-scope-2-4b-pt-transcoders', 'layer_17')).toBe('mlp_in:17>mlp_out:17');
  expect(of('mwhanna-qwen3-4b-transcoders', 'layer_3')).toBe('mlp_in:3>mlp_out:3');
  expect(of('gemma-scope-2-4b-pt-att', 'layer_17')).toBe('attn_z:17');
  expect(of('gemma-scope-2b-pt-transcoders', 'layer_17')).toBe('resid_mid:17>mlp_out:17');
  expect(of('gemma-scope-2b-pt-res', 'embedding')).toBe('resid_pre:0');
  expect(of('temporal-sae-gemma-2-2b', '')).toBe('resid_post:12');
  const [first] = registry;
  const clt = registry.find(({ loader }) => loader === 'mntss_clt_layer_transcoder')!;
  expect(obstacle(clt)).toMatch(/^one layer of a cross-layer transcoder, whose latents write/);
  expect(obstacle({ ...first!, format: null, loader: 'new' })).toBe('files of the loader new are not read');
  expect(obstacle({ ...first!, hook: null })).toBe('its names say no hook that is known here');
  expect(obstacle({ ...first!, model: 'lab/unheard-of' })).toBe(
    'lab/unheard-of is of no family known by its name',
  );
  expect(obstacle({ ...first!, model: 'google/gemma-3n-E2B' })).toBeNull();
  const listed = describeEntries(searchRegistry(registry, { release: 'mwhanna-qwen3-4b', layer: 3 }));
  expect(listed).toContain('mlp_in:3>mlp_out:3');
  expect(listed).toMatch(/1 SAEs? of qwen3-4b, of which 1 can be evaluated here/);
});
