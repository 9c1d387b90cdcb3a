/** Last layers that take keys and values of earlier ones, and what travels over a cut for them and for inputs of layers (Gemma 3n, Gemma 4). */
import type { Hook } from '../../hook.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { unsupported } from './keys.ts';

export type LayerKind = 'full' | 'sliding';

export interface KeySharing {
  /** Whether a layer takes keys and values of the last one of its kind that makes its own. */
  taken(layer: number): boolean;
  /** Whether others take those that a layer makes. */
  made(layer: number): boolean;
  /** Whether keys of a kind are there once the attention of a layer is through, and a later one takes them. */
  neededAfter(kind: LayerKind, layer: number): boolean;
}

/** @throws UserError where there is no layer of a kind before the `count` last ones */
export function keySharing(text: Checkpoint, count: number, types: readonly string[]): KeySharing {
  const first = types.length - count;
  const own = types.slice(0, Math.max(first, 0));
  const maker = (kind: string): number => own.lastIndexOf(kind);
  if (types.some((kind) => maker(kind) < 0)) {
    const found = `${count} of ${types.length} layers`;
    throw unsupported(text, 'num_kv_shared_layers', found, 'a layer of each kind before them');
  }
  const taken = (layer: number): boolean => layer >= first;
  return {
    taken,
    made: (layer) => count > 0 && !taken(layer) && maker(types[layer]!) === layer,
    neededAfter: (kind, layer) =>
      maker(kind) >= 0 &&
      maker(kind) <= layer &&
      types.lastIndexOf(kind) > layer &&
      taken(types.lastIndexOf(kind)),
  };
}

/** What attention of a layer is told of it; nothing where it shares none. */
export function sharedKeys(
  sharing: KeySharing,
  kind: LayerKind,
  layer: number,
): { shared?: { name: string; made: boolean } } {
  const made = sharing.made(layer);
  return made || sharing.taken(layer) ? { shared: { name: kind, made } } : {};
}

/** What travels at a place: keys and values that later layers take, and the inputs of layers that are not through. */
export function sharedAside(
  { layer, site }: Hook,
  sharing: KeySharing,
  sizes: { keys: Readonly<Record<LayerKind, number>>; input: number; layers: number },
): Map<string, number> {
  const found = new Map<string, number>();
  // Of a block's steps attention is the first, and the input of the layer is for the last.
  const attended = site === 'resid_pre' ? layer - 1 : layer;
  const done = site === 'resid_post' ? layer : layer - 1;
  for (const kind of ['full', 'sliding'] as const) {
    if (!sharing.neededAfter(kind, attended)) continue;
    for (const part of ['keys', 'values']) found.set(`${kind} ${part}`, sizes.keys[kind]);
  }
  for (let index = done + 1; index < sizes.layers && sizes.input > 0; index++)
    found.set(`input ${index}`, sizes.input);
  return found;
}
