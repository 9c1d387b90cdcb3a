/**
 * Runs text through a language model segment by segment, and shows whoever wants to see them the residuals at the
 * hooks.
 *
 * A sweep takes some batches (`together`) through all segments before the next ones: one batch at a time where the
 * model is resident, so that nothing waits; many where segments are loaded in turn, so that each is loaded once for
 * all of them. Either way every segment is given the same tensors, so that the results are the same.
 *
 * At a hook an observer sees the clean residual of each batch, and may let others go on beside it from there
 * (branches): a reconstruction, a patched one. They are carried through the remaining segments with the clean one, and
 * the losses they end in come back to whoever sent them off. Between segments they wait in a store; its arithmetic
 * stands in residual-store.ts.
 */
import { type Reporter, Stopped } from '../reporter.ts';
import { type LanguageModel, repeated, rowOf, type TokenBatch } from './language-model.ts';
import { memoryStore, type ResidualStore } from './residual-store.ts';

/** The clean residual of one batch at one hook. */
export interface Sight {
  /** Number of the hook among the model's. */
  hook: number;
  /** Number of the batch among those swept. */
  index: number;
  batch: TokenBatch;
  /** [rows, tokens, dModel]; not to be changed. */
  residual: Float32Array;
}

/** What a residual ended in, for every position of its batch, [rows · tokens]: see `LanguageModel.finish`. */
export interface Ending {
  nll: Float32Array;
  /** KL(clean ‖ this one); only where the sweep was asked for divergence, and not of the clean one. */
  kl?: Float32Array;
}

/** A residual that goes on from a hook beside the clean one. */
export interface Branch {
  /** [rows, tokens, dModel], the sweep's from now on. */
  residual: Float32Array;
  ended(ending: Ending): void;
}

/** One vector in the place of the residual at every position of every batch: zero or mean ablation. */
export interface ConstantBranch {
  /** [dModel] */
  vector: Float32Array;
  /** One array a batch of the sweep, as `LanguageModel.finish` gives them. */
  ended(nll: readonly Float32Array[]): void;
}

/** Who looks at a sweep. All parts are optional; without `clean` and branches it ends at the last hook. */
export interface Observer {
  /** Called once for each hook and batch; batches come in order at each hook, hooks in order for each batch. */
  see?(sight: Sight): Promise<readonly Branch[]>;
  /** Called once a hook, when all batches were seen there. Batches must then be of one width. */
  seen?(hook: number): readonly ConstantBranch[];
  /** Called once a batch with the losses of the model left alone. */
  clean?(index: number, batch: TokenBatch, nll: Float32Array): void;
}

export interface SweepOptions {
  reporter: Reporter;
  /** Batches taken through all segments together; default 1. */
  together?: number;
  /** Default: in memory. It is empty again after the sweep, and stays the caller's to close. */
  store?: ResidualStore;
  /** Whether branches are compared with the clean model by KL; the model must have been opened with divergence. */
  divergence?: boolean;
}

interface Lane<Ended> {
  /** Its name in the store. */
  key: string;
  ended: Ended;
}

/**
 * @throws Stopped when the user asked to stop
 */
export async function sweep(
  model: LanguageModel,
  batches: readonly TokenBatch[],
  observers: readonly Observer[],
  options: SweepOptions,
): Promise<void> {
  const { reporter, together = 1, store = memoryStore(), divergence = false } = options;
  const { segments } = model;
  const last = segments.length - 1;
  const lastHook = segments.findLastIndex(({ hook }) => hook !== null);
  const cleanEnds = divergence || observers.some(({ clean }) => clean !== undefined);
  const tokens = batches.map((batch) => batch.rows * batch.tokens);
  const total = tokens.reduce((sum, count) => sum + count, 0);
  const width = batches[0]?.tokens ?? 0;
  let done = 0;

  for (let from = 0; from < batches.length; from += together) {
    const chunk = [...batches.entries()].slice(from, from + together);
    const branches = new Map<number, Lane<Branch['ended']>[]>(chunk.map(([index]) => [index, []]));
    const constants: Lane<ConstantBranch['ended']>[] = [];
    for (const [number, { hook }] of segments.entries()) {
      const cleanRuns = number <= lastHook || cleanEnds;
      if (!cleanRuns && constants.length === 0 && [...branches.values()].every((each) => each.length === 0))
        break;
      for (const [index, batch] of chunk) {
        if (reporter.stopRequested()) throw new Stopped();
        const lanes = branches.get(index)!;
        const clean = cleanRuns && number > 0 ? await store.take(`clean-${index}`) : null;
        if (number === last) {
          await finish(index, lanes, clean);
        } else {
          await advance(number, lanes, batch);
          if (cleanRuns) {
            const residual = await model.advance(number, clean, batch);
            if (hook !== null) await show({ hook, index, batch, residual }, lanes);
            if (number < lastHook || cleanEnds) await store.put(`clean-${index}`, residual);
          }
        }
        done += tokens[index]! / segments.length;
        reporter.progress(Math.min(total, Math.round(done)), total);
      }
      // Ablations take one row for the text of all chunks: they run beside the last one.
      if (from + together < batches.length) continue;
      if (number === last) await finishConstants(constants);
      else await advance(number, constants, rowOf(width));
      if (hook !== null) await ablate(hook, constants);
    }
  }
  if (Math.round(done) < total) reporter.progress(total, total);

  /** Takes what waits in the lanes through a segment that is not the last. */
  async function advance(number: number, lanes: readonly Lane<unknown>[], batch: TokenBatch): Promise<void> {
    for (const { key } of lanes)
      await store.put(key, await model.advance(number, await store.take(key), batch));
  }

  /** Lets the observers look, and sends off what they want to go on. */
  async function show(sight: Sight, lanes: Lane<Branch['ended']>[]): Promise<void> {
    for (const observer of observers) {
      for (const { residual, ended } of (await observer.see?.(sight)) ?? []) {
        const key = `branch-${sight.index}-${lanes.length}`;
        await store.put(key, residual);
        lanes.push({ key, ended });
      }
    }
  }

  async function finish(
    index: number,
    lanes: readonly Lane<Branch['ended']>[],
    clean: Float32Array | null,
  ): Promise<void> {
    const batch = batches[index]!;
    if (observers.some((observer) => observer.clean !== undefined)) {
      const nll = await model.finish(clean, batch);
      for (const observer of observers) observer.clean?.(index, batch, nll);
    }
    for (const { key, ended } of lanes) {
      const residual = await store.take(key);
      if (divergence) ended(await model.finishDivergence(residual, clean!, batch));
      else ended({ nll: await model.finish(residual, batch) });
    }
  }

  async function ablate(hook: number, constants: Lane<ConstantBranch['ended']>[]): Promise<void> {
    for (const observer of observers) {
      for (const { vector, ended } of observer.seen?.(hook) ?? []) {
        const key = `constant-${constants.length}`;
        await store.put(key, repeated(vector, width));
        constants.push({ key, ended });
      }
    }
  }

  async function finishConstants(constants: readonly Lane<ConstantBranch['ended']>[]): Promise<void> {
    for (const { key, ended } of constants) ended(await model.finishForAll(await store.take(key), batches));
  }
}
