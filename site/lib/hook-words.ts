/** Hooks in words. */
import { hookSite, isAtOneLayer, placeSite } from '../../runner/report/place-site.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';

/** By what `hookSite` calls them. */
const names: Readonly<Record<string, string>> = {
  resid_pre: 'the residual stream before a block',
  resid_mid: 'the residual stream between attention and MLP',
  resid_post: 'the residual stream',
  'mlp.hook_in': 'the MLP’s input',
  mlp_out: 'the MLP output',
  attn_out: 'the attention output',
  'attn.hook_z': 'the attention heads’ outputs (z)',
};

function words(hook: string): string {
  const site = hookSite(hook);
  return names[site] ?? site;
}

type Hooked = Pick<EvaluationRecord['sae'], 'hook' | 'reads' | 'layers' | 'places' | 'other_model'>;

/** Where an SAE stands, of hooks that are not known here their own words. */
export function hookWords(sae: Hooked): string {
  if (sae.places !== undefined) return `${targetWords(sae)} (crosscoder)`;
  if (sae.reads === undefined) return placeWords(sae);
  return `${placeWords(sae)} (${sae.layers === undefined ? '' : 'cross-layer '}transcoder)`;
}

/** The same where it is said beside that it is a transcoder. */
export function placeWords(sae: Hooked): string {
  return sae.reads === undefined ? targetWords(sae) : `${targetWords(sae)} from ${words(sae.reads)}`;
}

/** What it reconstructs. */
export function targetWords({ hook, layers, places, other_model }: Hooked): string {
  if (places !== undefined) {
    const all = [...new Set(places.map((place) => words(place.hook)))].join(', ');
    return other_model === undefined ? all : `${all} of two models`;
  }
  return layers === undefined ? words(hook) : `${words(hook)} of every layer`;
}

/** Its layer, `4`; of a cross-layer transcoder those that it stands at, `0–5`, of a crosscoder `1, 2, 4`. */
export function layerText({
  layer,
  layers,
  places,
}: Pick<EvaluationRecord['sae'], 'layer' | 'layers' | 'places'>): string {
  if (places !== undefined) return [...new Set(places.map((place) => place.layer))].join(', ');
  return layers === undefined ? String(layer) : `${layer + 1 - layers}–${layer}`;
}

/** Its hooks as records name them; of a cross-layer transcoder those of all layers, `blocks.0–5.hook_mlp_out`. */
export function hookNames(sae: Hooked & { layer: number }): { hook: string; reads: string | undefined } {
  const { hook, reads, layers, places } = sae;
  if (places !== undefined)
    return { hook: [...new Set(places.map((place) => place.hook))].join(', '), reads: undefined };
  const all = (name: string): string =>
    layers === undefined ? name : name.replace(/^blocks\.\d+/, `blocks.${layerText(sae)}`);
  return { hook: all(hook), reads: reads && all(reads) };
}

/** Those of several SAEs with the word before them: `layer 4`, `layers 0, 2`; of a cross-layer transcoder `layers 0–5`. */
export function layersWords(
  saes: readonly Pick<EvaluationRecord['sae'], 'layer' | 'layers' | 'places'>[],
): string {
  const all = [...new Set(saes.map(layerText))];
  const one = all.length === 1 && saes[0] !== undefined && isAtOneLayer(saes[0]);
  return `${one ? 'layer' : 'layers'} ${all.join(', ')}`;
}

/** Whether it is an SAE of the residual stream after a block, as most are: then a page need not say so. */
export function isUsualHook(sae: Hooked): boolean {
  return placeSite(sae) === 'resid_post';
}

/** What tells the two places of a crosscoder apart: their models, or the hooks of one. */
export function twoPlaces({
  places = [],
  other_model,
}: Pick<EvaluationRecord['sae'], 'places' | 'other_model'>): [string, string] {
  const [first, second] = places.map(({ model, hook }) => (other_model === undefined ? hook : model));
  return [first ?? 'the first place', second ?? 'the second'];
}
