import { expect, it } from 'vitest';
import { hookOf, sites } from '../../../../runner/hook.ts';
import { hookPath } from '../../../../runner/sae/published/hook-names.ts';
import {
  hookNames,
  hookWords,
  isUsualHook,
  layersWords,
  layerText,
  twoPlaces,
} from '../../../../site/lib/hook-words.ts';
import { layerLines, layerPictures } from '../../../../site/lib/layer-charts.ts';
import { protocolDifferences } from '../../../../site/lib/protocol.ts';
import { releaseSummary, saeLabel } from '../../../../site/lib/release-text.ts';
import { verdictText } from '../../../../site/lib/sae-text.ts';
import { variantsOf } from '../../../../site/lib/short-labels.ts';
import { fixture } from '../fixtures.ts';

it('every hook that records name has words of its own', () => {
  const words = sites.map((site) => hookWords({ hook: hookPath(hookOf({ layer: 0, site })) }));
  expect(new Set(words).size).toBe(sites.length);
  for (const each of words) expect(each).toMatch(/^the /);
  expect(hookWords({ hook: 'somewhere' })).toBe('somewhere');
  expect(hookWords({ hook: 'blocks.4.hook_mlp_out', reads: 'blocks.4.mlp.hook_in' })).toBe(
    'the MLP output from the MLP’s input (transcoder)',
  );
});

it('of a cross-layer transcoder all layers are named, and its release says what it is', () => {
  const [layers, hook, reads] = [6, 'blocks.5.hook_mlp_out', 'blocks.0.hook_resid_mid'];
  const entry = fixture('small-world-l2');
  const sae = { ...entry.sae, layer: 5, layers, hook, reads };
  expect([
    layerText(sae),
    layersWords([sae]),
    layersWords([entry.sae]),
    layersWords([entry.sae, sae]),
  ]).toEqual(['0–5', 'layers 0–5', 'layer 2', 'layers 2, 0–5']);
  expect(hookWords(sae)).toBe(
    'the MLP output of every layer from the residual stream between attention and MLP (cross-layer transcoder)',
  );
  const transcoder = { ...entry, sae };
  expect(releaseSummary([transcoder])).toMatch(/^One TopK cross-layer transcoder on .*, layers 0–5; /);
  expect(releaseSummary([transcoder])).not.toContain('(');
  expect(saeLabel(transcoder, [transcoder])).toBe('L0–5');
  expect(hookNames(sae)).toEqual({
    hook: 'blocks.0–5.hook_mlp_out',
    reads: 'blocks.0–5.hook_resid_mid',
  });
  expect(hookNames(entry.sae)).toEqual({ hook: entry.sae.hook, reads: undefined });
  expect(layerLines([{ label: 'x', records: [transcoder] }])).toEqual([]);
});

it('of a crosscoder all places are named, and it is drawn and compared apart from SAEs', () => {
  const entries = ['small-world-l0', 'small-world-l2'].map(fixture);
  const places = (models: readonly string[]) =>
    models.map((model) => ({ model, hook: entries[1]!.sae.hook, layer: 2 }));
  const [own, it] = [entries[1]!.model.id, 'lab/it'];
  const other_model = { id: it, revision: null, sha256: null };
  const two = { ...entries[1]!, sae: { ...entries[1]!.sae, places: places([own, it]), other_model } };
  expect([layerText(two.sae), layersWords([two.sae])]).toEqual(['2', 'layer 2']);
  expect(hookWords(two.sae)).toBe('the residual stream of two models (crosscoder)');
  expect(isUsualHook(two.sae)).toBe(false);
  expect(twoPlaces(two.sae)).toEqual([own, it]);
  expect(releaseSummary([two])).toMatch(
    /^One TopK crosscoder on the residual stream of two models of .*, layer 2; /,
  );
  const hooks = [0, 2].map((layer) => ({ model: own, hook: `blocks.${layer}.hook_resid_post`, layer }));
  const several = { ...entries[1]!, sae: { ...entries[1]!.sae, places: hooks } };
  expect([layerText(several.sae), layersWords([several.sae])]).toEqual(['0, 2', 'layers 0, 2']);
  expect(hookWords(several.sae)).toBe('the residual stream (crosscoder)');
  expect(hookNames(several.sae).hook).toBe('blocks.0.hook_resid_post, blocks.2.hook_resid_post');
  expect(twoPlaces(several.sae)).toEqual(['blocks.0.hook_resid_post', 'blocks.2.hook_resid_post']);
  const lines = layerLines([{ label: 'x', records: [two, several] }]);
  expect(lines.flatMap(({ records }) => records)).toEqual([two]);
  const shared = (records: typeof entries) => layerPictures([{ label: 'x', records }], 'm', 'layers');
  expect(shared([...entries, two]).map(({ lines: drawn }) => drawn.length)).toEqual([1]);
  expect(protocolDifferences([entries[1]!, two]).map(({ name }) => name)).toEqual(['Language model', 'Hook']);
  const others = { ...two, sae: { ...two.sae, other_model: { ...other_model, id: 'lab/other' } } };
  expect(protocolDifferences([two, others]).map(({ name }) => name)).toEqual(['Language model']);
});

it('figures by layer draw transcoders apart from SAEs', () => {
  const saes = ['small-world-l0', 'small-world-l2', 'small-world-l4'].map(fixture);
  const transcoders = saes.map((entry) => {
    const { layer } = entry.sae;
    const hooks = { hook: `blocks.${layer}.hook_mlp_out`, reads: `blocks.${layer}.mlp.hook_in` };
    return { ...entry, sae: { ...entry.sae, ...hooks } };
  });
  const pictures = layerPictures([{ label: 'x', records: [...transcoders, ...saes] }], 'm', 'layers');
  expect(pictures.map(({ heading, lines }) => [heading, lines.map(({ records }) => records.length)])).toEqual(
    [
      [null, [3]],
      ['the MLP output from the MLP’s input', [3]],
    ],
  );
  const ids = pictures.flatMap(({ charts }) => charts.map(({ spec }) => spec.id));
  expect(new Set(ids).size).toBe(ids.length);
});

it('SAEs of one layer at several hooks are told apart by the hook alone', () => {
  const entry = fixture('small-world-l2');
  const training = { ...entry.sae.training, applyBDecToInput: false, transcode: 'plain', backend: 'graph' };
  const reads = 'blocks.2.mlp.hook_in';
  const transcoder = { ...entry, sae: { ...entry.sae, hook: 'blocks.2.hook_mlp_out', reads, training } };
  const labels = [...variantsOf([entry, transcoder]).values()].map(({ label }) => label);
  expect(labels).toEqual(['resid_post', 'mlp_in→mlp_out']);
});

it('names of lines are cut between words', () => {
  const { sae, ...entry } = fixture('small-world-l2');
  const pursuit = {
    ...entry,
    sae: { ...sae, architecture: 'matching_pursuit' as const, d_sae: 256, k: null },
  };
  const topk = { ...entry, sae: { ...sae, d_sae: 512 } };
  const labels = [...variantsOf([pursuit, topk]).values()].map(({ label }) => label);
  expect(labels).toEqual(['matching_pursuit …', expect.stringMatching(/^topk n512 k\d+$/)]);
});

it('a comparison across hooks says so', () => {
  const entry = fixture('small-world-l2');
  const inside = { ...entry, sae: { ...entry.sae, layer: 3, hook: 'blocks.3.hook_mlp_out' } };
  expect(protocolDifferences([entry, inside])).toEqual([
    { name: 'Hook', values: ['the residual stream', 'the MLP output'] },
  ]);
  expect(protocolDifferences([entry, { ...entry, sae: { ...entry.sae, layer: 4 } }])).toEqual([]);
});

it('what is said of an SAE inside a block is not of the residual', () => {
  const entry = fixture('small-world-l2');
  expect(verdictText(entry)).toContain('of the residual’s variance');
  const inside = { ...entry, sae: { ...entry.sae, hook: 'blocks.2.hook_mlp_out' } };
  expect(isUsualHook(inside.sae)).toBe(false);
  expect(verdictText(inside)).toContain('of the variance of the MLP output, ');
});
