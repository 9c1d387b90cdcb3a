/** How a language model and what is computed with it share the memory that a run may use: computed here for `plan` and for the run. */
import { hookOf } from '../hook.ts';
import type { Family } from './families/family.ts';
import { type MemoryShares, PROGRAM, shareMemory, WAITING_SHARE } from './memory.ts';
import type { ModelParts } from './parts.ts';
import { type Placement, type PlacementOptions, placementOf } from './placement.ts';
import { widthsAt } from './segments.ts';

/** What takes memory beside the language model's weights. */
export interface NeedsBeside {
  /** Tokens of the largest batch, padding included. */
  positions: number;
  /** Bytes of what SAEs hold where they are computed. */
  saes: number;
  /** Bytes of what else is held by the host, wherever SAEs are computed; default none. */
  host?: number | undefined;
  /** Tokens of the text on which activations are ablated; default none. */
  ablated?: number | undefined;
}

export interface FitOptions extends Omit<PlacementOptions, 'memory'>, NeedsBeside {
  /** Bytes that the run may use. */
  memory: number;
  /** Bytes of each device; null where the host's are used, or it is not known. */
  card: number | null;
  /** What the devices are called, for errors. */
  device: string;
}

export interface Fit {
  placement: Placement;
  /** Of the card where its memory is known, else of the host. */
  shares: MemoryShares;
  /** Bytes that residuals may take on the host that wait between segments loaded in turn. */
  waiting: number;
  /** Most numbers of a token that go from one segment to the next. */
  widest: number;
  /** Bytes of the host's: of the program, a batch and the SAEs, and of weights at a time. */
  working: number;
  weights: number;
}

/**
 * @throws UserError for a hook that the model does not have, or when the memory does not hold a batch or the largest part
 */
export function fitModel(parts: ModelParts, family: Family, options: FitOptions): Fit {
  const { memory, card, device, positions, saes, host = 0, ablated = 0, ...at } = options;
  const { activationsOnly = false, ...where } = at;
  const whole = placementOf(parts, { ...where, activationsOnly });
  const beside = where.hooks
    .map((hook) => 4 * ablated * widthsAt(family, hookOf(hook)).beside)
    .reduce((sum, bytes) => sum + bytes, 0);
  const shares = shareMemory(
    card ?? memory,
    {
      family,
      positions,
      saes: card === null ? saes + host : saes,
      // On the host room for the head is left in training too, so that weights have the same room as when it ends.
      head: card === null || !activationsOnly,
      weights: card === null ? whole.held.all : whole.held.most,
      beside: card === null ? beside : 0,
    },
    card === null ? undefined : `memory of ${device}`,
  );
  // The host keeps them, wherever the model is.
  if (card !== null && shares.weights === undefined)
    shares.beside = Math.min(beside, Math.max(0, memory - PROGRAM - host));
  const placement =
    shares.weights === undefined
      ? whole
      : placementOf(parts, { ...where, activationsOnly, memory: shares.weights });
  const between = placement.segments.flatMap(({ to }) => (to === null ? [] : [widthsAt(family, to)]));
  return {
    placement,
    shares,
    waiting: card === null ? shares.waiting : Math.floor(WAITING_SHARE * Math.max(0, memory - host)),
    widest: Math.max(family.dModel, ...between.map(({ value, beside }) => value + beside)),
    working: card === null ? shares.working : PROGRAM + host,
    weights: card === null ? placement.held.all : 0,
  };
}
