/** How the memory a run may use is shared out. */
import { totalmem } from 'node:os';
import { UserError } from '../errors.ts';
import { formatBytes } from '../io/bytes.ts';
import type { Family } from './families/family.ts';
import { tileWidth } from './head-tiles.ts';

/** Of the machine's memory a run takes unasked; the rest is the system's, and everyone else's. */
const UNASKED = 0.8;
/** Node, the runtime's code and this program, as measured (about 250 MB), and what the allocator keeps. */
export const PROGRAM = 400e6;
/** Bytes of residuals beside hooks that a sweep keeps for ablations there if it is not told otherwise (256 MiB). */
export const BESIDE_LIMIT = 256 * 2 ** 20;
/** Of what is left beside a batch, the part that residuals may take that wait, where weights are loaded in turn. */
export const WAITING_SHARE = 0.3;
/** Arrays of the width of the residual that a block holds at a time, its inner layer counted in. */
const WIDTHS_HELD = 24;
/** Arrays of the size of the logits that the head holds at a time. */
const LOGITS_HELD = 3;

/** What a run uses when `--memory` does not say: a share of the machine's memory, or of its container's limit. */
export function machineMemory(
  machine = totalmem(),
  // 0 where no limit is set, and beyond any machine where the limit is "none".
  container = process.constrainedMemory(),
): number {
  return Math.floor(UNASKED * (container > 0 ? Math.min(machine, container) : machine));
}

export interface MemoryNeeds {
  family: Pick<Family, 'dModel' | 'vocabulary'>;
  /** Of all weights of the language model, as often as segments hold them. */
  weights: number;
  /** Tokens of the largest batch, padding included. */
  positions: number;
  /** Of everything that SAEs hold. */
  saes: number;
  /** Of residuals beside hooks that are to be kept for ablations there; default none. */
  beside?: number;
  /** False where nothing behind the last hook is computed; default true. */
  head?: boolean;
}

export interface MemoryShares {
  /** Of a batch on its way through a segment, of the SAEs, and of the program itself. */
  working: number;
  /** What weights may take at a time; undefined where all of them fit. */
  weights: number | undefined;
  /** What residuals may take that wait between segments, before they go to disk. */
  waiting: number;
  /** What residuals beside hooks inside blocks may take that are kept for ablations there. */
  beside: number;
}

/**
 * @param memory bytes in all
 * @param of what has them, for errors
 * @throws UserError when it does not even hold a batch
 */
export function shareMemory(memory: number, needs: MemoryNeeds, of = '--memory'): MemoryShares {
  const { family, positions, saes } = needs;
  const logits = needs.head === false ? 0 : LOGITS_HELD * tileWidth(family.vocabulary);
  const working = PROGRAM + saes + 4 * positions * (WIDTHS_HELD * family.dModel + logits);
  const rest = memory - working;
  const left = rest - needs.weights;
  if (left >= 0) {
    const beside = Math.min(needs.beside ?? 0, left);
    return { working, weights: undefined, waiting: left - beside, beside };
  }
  if (rest <= 0) {
    throw new UserError({
      thing: of,
      found: formatBytes(memory),
      expected: `more than ${formatBytes(working)}, which a batch of ${positions} tokens and the SAEs take beside any weights`,
      next: 'Give more memory, or use smaller batches (sae.batchTokens), or fewer or smaller SAEs.',
    });
  }
  return {
    working,
    weights: Math.floor((1 - WAITING_SHARE) * rest),
    waiting: Math.floor(WAITING_SHARE * rest),
    beside: 0,
  };
}
