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
 * cross-layer one `resid_mid > mlp_out, cross-layer`.
 */
export function placeSite({
  hook,
  reads,
  layers,
}: Pick<EvaluationRecord['sae'], 'hook' | 'reads' | 'layers'>): string {
  const site = reads === undefined ? hookSite(hook) : `${hookSite(reads)} > ${hookSite(hook)}`;
  return layers === undefined ? site : `${site}, cross-layer`;
}

/** Whether a place of `placeSite` is a transcoder's. */
export function isTranscoderSite(site: string): boolean {
  return site.includes(' > ');
}
