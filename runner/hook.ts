/** Where in a language model activations are taken and replaced. */
import { UserError } from './errors.ts';

/**
 * Places within a block, in the order in which they are computed, each [tokens, width]:
 *
 * - resid_pre: the residual stream before the block; but for block 0 that is resid_post of the one before
 * - attn_z: what the heads have mixed, all heads side by side, before the output projection
 * - attn_out: what attention adds to the residual stream (after a norm behind it, where the family has one)
 * - resid_mid: the residual stream between attention and MLP; families whose MLP runs beside attention have none
 * - mlp_in: what the MLP reads, normed
 * - mlp_out: what the MLP adds to the residual stream (after a norm behind it, where the family has one)
 * - resid_post: the residual stream after the block
 */
export const sites = [
  'resid_pre',
  'attn_z',
  'attn_out',
  'resid_mid',
  'mlp_in',
  'mlp_out',
  'resid_post',
] as const;

export type Site = (typeof sites)[number];

export interface Hook {
  /** Number of the block. */
  layer: number;
  site: Site;
}

/** A number is the residual stream after that block. */
export type HookLike = number | Hook;

/** As it is written in settings and names: `mlp_out:4`. */
export function hookName({ layer, site }: Hook): string {
  return `${site}:${layer}`;
}

/** Its inverse; null for anything else. */
export function parseHook(text: string): Hook | null {
  const [, name, layer] = /^([a-z_]+):(\d{1,5})$/.exec(text) ?? [];
  const site = sites.find((each) => each === name);
  return site === undefined ? null : { layer: Number(layer), site };
}

/** As errors name it: `layer 4`, and elsewhere than in the residual stream after a block `mlp_out:4`. */
export function hookWords(hook: Hook): string {
  return hook.site === 'resid_post' ? `layer ${hook.layer}` : hookName(hook);
}

/** As in the names of files and records: `L4`, and elsewhere than in the residual stream after a block `L4_mlp_out`. */
export function hookLabel({ layer, site }: Hook): string {
  return site === 'resid_post' ? `L${layer}` : `L${layer}_${site}`;
}

const labelled = new RegExp(
  `^L(\\d{1,5})(?:_(${sites.join('|')})(?=_|$))?(?:_to_(?:L(\\d{1,5})_)?(${sites.join('|')})(?=_|$))?`,
);

/** The place that a name beginning with its label is of, such as L4_k64 or L4_mlp_out_k64; null for other names. */
export function placeOfLabelled(name: string): Place | null {
  const [, layer, site = 'resid_post', targetLayer = layer, target] = labelled.exec(name) ?? [];
  if (layer === undefined) return null;
  const hook = { layer: Number(layer), site: site as Site };
  return target === undefined ? hook : { layer: Number(targetLayer), site: target as Site, reads: hook };
}

/** Where an SAE stands: at the hook that it reconstructs. A transcoder reads another one. */
export interface Place extends Hook {
  reads?: Hook;
}

/** The hook whose activations an SAE is given. */
export function readHook({ layer, site, reads = { layer, site } }: Place): Hook {
  return reads;
}

/** All that an SAE needs of the language model. */
export function hooksOfPlace({ layer, site, reads }: Place): Hook[] {
  return reads === undefined ? [{ layer, site }] : [reads, { layer, site }];
}

/** As it is written in settings and names: `mlp_out:4`, and of a transcoder `mlp_in:4>mlp_out:4`. */
export function placeName(place: Place): string {
  return hooksOfPlace(place).map(hookName).join('>');
}

/** Its inverse; null for anything else, and for a transcoder that reads what comes after its target. */
export function parsePlace(text: string): Place | null {
  const [first, second, ...more] = text.split('>').map(parseHook);
  if (first == null || second === null || more.length > 0) return null;
  if (second === undefined) return hookOf(first);
  const place = { ...hookOf(second), reads: hookOf(first) };
  return compareHooks(place.reads, place) < 0 ? place : null;
}

/** As in the names of files and records: `L4_mlp_out`, and of a transcoder `L4_mlp_in_to_mlp_out`. */
export function placeLabel(place: Place): string {
  const { layer, site, reads } = place;
  if (reads === undefined) return hookLabel(place);
  const target = reads.layer === layer ? site : `L${layer}_${site}`;
  return `L${reads.layer}_${reads.site}_to_${target}`;
}

/** By target; of one target SAEs first, then transcoders by what they read. */
export function comparePlaces(a: Place, b: Place): number {
  if (compareHooks(a, b) !== 0 || !(a.reads || b.reads)) return compareHooks(a, b);
  if (a.reads === undefined || b.reads === undefined) return a.reads === undefined ? -1 : 1;
  return compareHooks(a.reads, b.reads);
}

/** The place of a thing alone. */
export function placeOf({ layer, site, reads }: Place): Place {
  return { layer, site, ...(reads && { reads }) };
}

/** Places of things, each once, in order. */
export function placesAmong(placed: readonly Place[]): Place[] {
  return [...new Map(placed.map((each) => [placeName(each), placeOf(each)])).values()].sort(comparePlaces);
}

/** One hook for each place: the residual stream before a block is that after the one before. */
export function hookOf(hook: HookLike): Hook {
  if (typeof hook === 'number') return { layer: hook, site: 'resid_post' };
  const { layer, site } = hook;
  return site === 'resid_pre' && layer > 0 ? { layer: layer - 1, site: 'resid_post' } : { layer, site };
}

export function compareHooks(a: Hook, b: Hook): number {
  return a.layer - b.layer || sites.indexOf(a.site) - sites.indexOf(b.site);
}

/** Each place once, in the order in which the model computes them. */
export function orderedHooks(hooks: readonly HookLike[]): Hook[] {
  const byName = new Map(hooks.map(hookOf).map((hook) => [hookName(hook), hook]));
  return [...byName.values()].sort(compareHooks);
}

/** Number of a hook among some; −1 where it is none of them. */
export function indexOfHook(hooks: readonly Hook[], hook: HookLike): number {
  const name = hookName(hookOf(hook));
  return hooks.findIndex((each) => hookName(each) === name);
}

/** Whether a tensor at the site is the residual stream itself, not something that is added to it. */
export function isResidual({ site }: Hook): boolean {
  return site.startsWith('resid');
}

/** Whether a tensor at the site is the residual stream or is added to it, so that directions in it are directions there. */
export function isInResidualSpace({ site }: Pick<Hook, 'site'>): boolean {
  return site !== 'attn_z' && site !== 'mlp_in';
}

/** @throws UserError for a hook that a model of so many blocks does not have */
export function checkHooks(hooks: readonly HookLike[], blocks: number): void {
  for (const hook of hooks) {
    const { layer } = hookOf(hook);
    if (Number.isInteger(layer) && layer >= 0 && layer < blocks) continue;
    throw new UserError({
      thing: 'hook layer',
      found: String(hookOf(hook).site === 'resid_post' ? layer : hookName(hookOf(hook))),
      expected: `a block between 0 and ${blocks - 1}`,
      next: 'Choose layers that the model has.',
    });
  }
}
