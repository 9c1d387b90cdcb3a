/** Where in a block SAEs stand, whatever the layer. Free of zod and of definitions: the front page asks too. */
import type { EvaluationRecord } from './schema.ts';

/** Names of the residual stream after a block, as programs and people write them. */
const afterBlock = [
  /^(?:[a-z_]+\.)*(?:layers|h|blocks)\.\d+(?:\.output)?$/,
  /^residual stream after decoder block \d+$/,
];

/** What is read at a hook, whatever the layer: `resid_post`, `mlp_out`; the hook's own words where they are others. */
export function hookSite(hook: string): string {
  if (afterBlock.some((pattern) => pattern.test(hook))) return 'resid_post';
  return /^blocks\.\d+\.(?:hook_)?(.+)$/.exec(hook)?.[1] ?? hook.replace(/\d+/g, 'N');
}

/**
 * What an SAE reads and reconstructs, whatever the layers: `resid_post`, of a transcoder `mlp.hook_in > mlp_out`, and of a
 * cross-layer one `resid_mid > mlp_out, cross-layer`; of a crosscoder of two models `resid_post, crosscoder of two models`, of several
 * hooks `resid_post, crosscoder of hooks`.
 */
export function placeSite({
  hook,
  reads,
  layers,
  places,
  other_model,
}: Pick<EvaluationRecord['sae'], 'hook' | 'reads' | 'layers' | 'places' | 'other_model'>): string {
  if (places !== undefined) {
    const sites = [...new Set(places.map((place) => hookSite(place.hook)))].join(', ');
    return `${sites}, crosscoder of ${other_model === undefined ? 'hooks' : 'two models'}`;
  }
  const site = reads === undefined ? hookSite(hook) : `${hookSite(reads)} > ${hookSite(hook)}`;
  return layers === undefined ? site : `${site}, cross-layer`;
}

/** Whether it stands at one layer alone: a cross-layer transcoder and a crosscoder of several hooks do not. */
export function isAtOneLayer({
  layers,
  places = [],
}: Pick<EvaluationRecord['sae'], 'layers' | 'places'>): boolean {
  return layers === undefined && new Set(places.map(({ layer }) => layer)).size <= 1;
}

/** Whether a place of `placeSite` is a transcoder's. */
export function isTranscoderSite(site: string): boolean {
  return site.includes(' > ');
}
