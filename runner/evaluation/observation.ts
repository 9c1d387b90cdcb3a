/**
 * What an evaluation asks of the language model: text, an observer of its residuals, and the result afterwards. All that
 * a run's suites ask for goes through the model in one sweep, so that each segment is loaded and run once over the
 * union of it.
 */

import { indexOfHook, type Place, readHook } from '../hook.ts';
import type { ContentCache } from '../io/content-cache.ts';
import { sha256 } from '../io/hash.ts';
import { type ActivationModel, hasLosses, type TokenBatch } from '../lm/language-model.ts';
import { ablationsAt, type Observer, type SweptPlace } from '../lm/observer.ts';
import { type SweepOptions, sweep } from '../lm/sweep.ts';
import { sideBySide } from '../onnx/side-by-side.ts';
import type { OpenSae } from '../sae/open-sae.ts';

/** The SAEs at one place, in the order of their statistics. */
export interface HookSaes extends Place {
  /** Width of the hook: numbers of a token that they reconstruct. */
  d: number;
  saes: readonly OpenSae[];
}

/** Asks the SAEs at a place: those that lie on different devices at the same time. @returns the answers in their order */
export function onEachDevice<Result>(
  { saes }: Pick<HookSaes, 'saes'>,
  ask: (sae: OpenSae, index: number) => Promise<Result>,
): Promise<Result[]> {
  return sideBySide(saes, ({ device }) => device, ask);
}

export interface Observation<Result> {
  batches: readonly TokenBatch[];
  observer: Observer;
  /** Further observers of the same batches. */
  others?: readonly Observer[];
  /** Most residuals that go on beside the clean one from any of its batches. */
  branches: number;
  /** To be called after the sweep. */
  result(): Result;
}

/** Results that do not depend on an SAE, cached between runs. */
export interface CachedResults {
  cache: ContentCache;
  /** Hash of what the language model's numbers follow from. */
  identity: string;
}

/** Number of the document of each row of batches, in order; undefined where a batch does not say. */
export function documentsOf(batches: readonly TokenBatch[]): number[] | undefined {
  const documents: number[] = [];
  for (const batch of batches) {
    if (batch.documents === undefined) return undefined;
    documents.push(...batch.documents);
  }
  return documents;
}

/** How many documents hold most of a row. */
export function blocksOf(batches: readonly TokenBatch[]): number | undefined {
  const documents = documentsOf(batches);
  return documents && new Set(documents).size;
}

/** What the statistics need to know of the document of a row. */
export function documentOf({ documents }: TokenBatch, row: number): { document?: number } {
  return documents === undefined ? {} : { document: documents[row]! };
}

/** Names the text of batches: rows and tokens of each, and a hash of its ids. */
export function namesOf(batches: readonly TokenBatch[]): [number, number, string][] {
  return batches.map(({ ids: { buffer, byteOffset, byteLength }, rows, tokens, stream }) => {
    const hash = sha256(new Uint8Array(buffer, byteOffset, byteLength));
    return [rows, tokens, stream === undefined ? hash : `${stream} ${hash}`];
  });
}

/**
 * @param sweeping how so many batches go through the model, given the most branches of any
 * @param hooks with the SAEs there: what observers see, by their numbers; none for the hooks of the model
 * @throws Stopped when the user asked to stop
 */
export async function observe(
  model: ActivationModel,
  observations: readonly Observation<unknown>[],
  sweeping: (batches: readonly TokenBatch[], branches: number) => Promise<SweepOptions>,
  hooks: readonly HookSaes[] = [],
): Promise<void> {
  const batches = observations.flatMap((each) => each.batches);
  let from = 0;
  const observers = observations.flatMap(({ observer, others = [], batches: own }): Observer[] => {
    const part = { from, to: from + own.length };
    from = part.to;
    return [observer, ...others].map((each) => ({ ...each, part }));
  });
  const work = workOf(model, hooks, batches, observers);
  const places = placesIn(model, hooks);
  const branches = Math.max(
    0,
    ...observations.map((each) => each.branches + ablationsBeside(model, places, each)),
  );
  await sweep(model, batches, observers, {
    ...(await sweeping(batches, branches)),
    work,
    ...(places.length > 0 && { places }),
  });
}

/** Ablations that go on beside the reconstructions: where more than the hook's own tensor travels. */
function ablationsBeside(
  { segments, widths }: ActivationModel,
  places: readonly SweptPlace[],
  { observer, others = [] }: Observation<unknown>,
): number {
  let sum = 0;
  for (const [place, { hook }] of places.entries()) {
    const { beside } = widths[segments.findIndex((segment) => segment.hook === hook)]!;
    if (beside === 0) continue;
    for (const each of [observer, ...others]) sum += ablationsAt(each, place);
  }
  return sum;
}

/** Places by the numbers of their hooks in a model. */
export function placesIn({ hooks }: Pick<ActivationModel, 'hooks'>, places: readonly Place[]): SweptPlace[] {
  return places.map((place) => ({
    hook: indexOfHook(hooks, place),
    reads: indexOfHook(hooks, readHook(place)),
  }));
}

/**
 * What each batch costs, in weights that its tokens meet: in the language model, with all that goes on beside it, and in the
 * encoders. Text that is measured on comes first and costs many times what texts of probes do.
 */
export function workOf(
  model: ActivationModel,
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  observers: readonly Observer[],
): number[] {
  const d = model.dModel;
  const head = hasLosses(model) ? model.vocabulary * d : 0;
  /** From each hook to the end. */
  const after = hooks.map(({ layer }) => (model.blocks - 1 - layer) * BLOCK * d * d + head);
  const branch = after.reduce((sum, each) => sum + each, 0) / Math.max(1, hooks.length);
  const encoders =
    ENCODED * hooks.reduce((sum, { saes }) => saes.reduce((n, { d_in, d_sae }) => n + d_in * d_sae, sum), 0);
  const whole = model.blocks * BLOCK * d * d + head;
  return batches.map(({ rows, tokens }, index) => {
    const branches = observers.reduce((sum, { part, branches: of }) => {
      const sees = part === undefined || (index >= part.from && index < part.to);
      return sees && of !== undefined ? sum + of(index - (part?.from ?? 0)) : sum;
    }, 0);
    const clean = branches > 0 ? whole : whole - (after.at(-1) ?? 0);
    return rows * tokens * (clean + encoders + branches * branch);
  });
}

/** Weights of a block for each square of its width, in most families. */
const BLOCK = 12;
/** An encoder's product, and as much again for the choice of latents. */
const ENCODED = 2;
