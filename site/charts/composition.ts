/** What makes up a composite: one block a component, as wide as its weight, filled as far as its value. */
import { round } from './scale.ts';

export interface CompositionPart {
  label: string;
  weight: number;
  /** In [0, 1]; null leaves the block empty. */
  value: number | null;
  /** What an untrained SAE scores, where that is known. */
  untrained?: number | null | undefined;
}

export interface CompositionGeometry {
  width: number;
  blocks: {
    label: string;
    index: number;
    x: number;
    width: number;
    filled: number;
    /** Where the fill of an untrained SAE would end. */
    untrained?: number | undefined;
  }[];
}

const GAP = 3;

/** Weights need not sum to one; the blocks share the width in their proportion. */
export function composition(parts: readonly CompositionPart[], width = 720): CompositionGeometry {
  const total = parts.reduce((sum, part) => sum + part.weight, 0) || 1;
  const room = width - GAP * Math.max(0, parts.length - 1);
  let x = 0;
  const blocks = parts.map((part, index) => {
    const wide = (part.weight / total) * room;
    const block = {
      label: part.label,
      index,
      x: round(x),
      width: round(wide),
      filled: filledTo(part.value ?? 0, wide),
      ...(part.untrained != null && { untrained: round(x + filledTo(part.untrained, wide)) }),
    };
    x += wide + GAP;
    return block;
  });
  return { width, blocks };
}

function filledTo(value: number, wide: number): number {
  return round(wide * Math.min(Math.max(value, 0), 1));
}
