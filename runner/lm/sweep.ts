/**
 * Runs text through a language model segment by segment, and shows observers the residuals at the hooks.
 *
 * A sweep takes some batches (`together`) through all segments before the next ones: one batch at a time where the
 * model is resident, so that nothing waits; many where segments are loaded in turn, so that each is loaded once for
 * all of them. Either way every segment is given the same tensors, so that the results are the same.
 *
 * At a hook an observer sees the clean residual of each batch, and may let others go on beside it from there
 * (branches): a reconstruction, a patched one. They are carried through the remaining segments with the clean one, and
 * the losses they end in come back to the observer that made them. Between segments they wait in a store; its arithmetic
 * stands in residual-store.ts.
 */
import { type Reporter, Stopped } from '../reporter.ts';
import { type ApartAblation, ablateBeside } from './ablate-beside.ts';
import { rowsOfCut, valueOfCut, withValue } from './cut.ts';
import {
  type ActivationModel,
  type Going,
  hasLosses,
  type LanguageModel,
  repeated,
  rowOf,
  rowsOfBatch,
  type TokenBatch,
} from './language-model.ts';
import { BESIDE_LIMIT } from './memory.ts';
import {
  ablationsAt,
  type Branch,
  type ConstantBranch,
  type HookBatch,
  type Observer,
  type SweptPlace,
} from './observer.ts';
import { memoryStore, type ResidualStore } from './residual-store.ts';

export interface SweepOptions {
  reporter: Reporter;
  /** Default: each hook of the model by itself. One that is read comes before the one that reads it. */
  places?: readonly SweptPlace[];
  /** Batches taken through all segments together; default 1. */
  together?: number;
  /** What each batch costs, in any unit, for the time that is left; default its tokens for each segment it goes through. */
  work?: readonly number[] | undefined;
  /** Bytes of residuals beside hooks inside blocks that may be kept for ablations there. */
  beside?: number;
  /** Default: in memory. It is empty again after the sweep, and stays the caller's to close. */
  store?: ResidualStore;
}

/** A branch on its way through the segments behind its hook. */
interface RunningBranch {
  /** Where its numbers are: under a name in the store, or of a resident model here, as they go through all segments at once. */
  at: { key: string } | Pick<Going, 'value' | 'residual'>;
  /** Number of the segment that it began behind. */
  from: number;
  observer: Observer;
  /** The rows that go on. */
  batch: TokenBatch;
  ended: Branch['ended'];
}

/** A constant branch on its way: one row stands for all of an observer's batches. */
interface RunningConstant {
  key: string;
  batches: readonly TokenBatch[];
  ended: ConstantBranch['ended'];
}

/**
 * @param model of one without losses no observer may ask for more than residuals
 * @throws Stopped when the user asked to stop
 */
export async function sweep(
  model: ActivationModel,
  batches: readonly TokenBatch[],
  observers: readonly Observer[],
  options: SweepOptions,
): Promise<void> {
  const { reporter, together = 1, store = memoryStore(), beside: besideLimit = BESIDE_LIMIT } = options;
  const { segments } = model;
  const places = options.places ?? model.hooks.map((_, hook) => ({ hook, reads: hook }));
  const last = segments.length - 1;
  const lastHook = segments.findLastIndex(({ hook }) => hook !== null);
  const views = observers.map((observer) => ({
    observer,
    ...(observer.part ?? { from: 0, to: batches.length }),
  }));
  const tokens = batches.map((batch) => batch.rows * batch.tokens);
  const total = tokens.reduce((sum, count) => sum + count, 0);
  let done = 0;
  let worked = 0;
  /** Ablations that go through the model by themselves, in the end. */
  const apart: ApartAblation[] = [];
  /** What stands beside the hooks inside blocks, for them; null where it is too much to be kept. */
  let beside: Map<string, Float32Array> | null = model.resident ? new Map() : null;
  let besideFloats = 0;

  /** The observers of a batch, and its number among the batches of each. */
  const watching = (index: number) =>
    views.flatMap(({ observer, from, to }) =>
      index >= from && index < to ? [{ observer, number: index - from }] : [],
    );
  /** Whether somebody needs to know where a batch ends when left alone. */
  const cleanEnds = batches.map((_, index) =>
    watching(index).some(({ observer }) => observer.clean !== undefined || observer.divergence === true),
  );

  /** Segments that a batch goes through. */
  const through = batches.map((_, index) => (cleanEnds[index] ? segments.length : lastHook + 1));
  const work = options.work ?? tokens.map((count, index) => count * through[index]!);
  const allWork = work.reduce((sum, each) => sum + each, 0);

  for (let from = 0; from < batches.length; from += together) {
    const chunk = [...batches.entries()].slice(from, from + together);
    const branches = new Map<number, RunningBranch[]>(chunk.map(([index]) => [index, []]));
    const constants: RunningConstant[] = [];
    for (const [number, { hook }] of segments.entries()) {
      const goesOn = ([index]: readonly [number, TokenBatch]): boolean =>
        number <= lastHook || cleanEnds[index]! || branches.get(index)!.length > 0;
      if (constants.length === 0 && !chunk.some(goesOn)) break;
      for (const [index, batch] of chunk) {
        stopWhenAsked();
        const running = branches.get(index)!;
        const cleanRuns = number <= lastHook || cleanEnds[index]!;
        const clean = cleanRuns && number > 0 ? await store.take(`clean-${index}`) : null;
        if (number === last) {
          await finish(index, running, clean);
        } else {
          // Of a resident model each goes on through all segments at a time, and stays on the device.
          for (const each of running) if ('key' in each.at) await advance(number, each.at.key, each.batch);
          if (cleanRuns) {
            const given = await model.advance(number, clean, batch);
            if (hook !== null) await show(number, index, given, running);
            if (number < lastHook || cleanEnds[index]!) await store.put(`clean-${index}`, given);
          }
        }
        if (number < through[index]!) {
          done += tokens[index]! / through[index]!;
          worked += work[index]! / through[index]!;
        }
        const share = allWork > 0 ? Math.min(1, worked / allWork) : 1;
        reporter.progress(Math.min(total, Math.round(done)), total, {}, share);
      }
      // Ablations take one row for the text of all chunks: they run beside the last one.
      if (from + together < batches.length) continue;
      for (const constant of constants) {
        if (number === last)
          constant.ended(await ends().finishForAll(await store.take(constant.key), constant.batches));
        else await advance(number, constant.key, rowOf(constant.batches[0]!.tokens));
      }
      if (hook !== null) await ablate(number, hook, constants, branches);
    }
  }
  if (apart.length > 0)
    await (beside === null
      ? sweepApart()
      : ablateBeside(ends(), batches, apart, beside, { stopWhenAsked, progress: progressApart }));
  if (Math.round(done) < total) reporter.progress(total, total, {}, 1);

  function stopWhenAsked(): void {
    if (reporter.stopRequested()) throw new Stopped();
  }

  function ends(): LanguageModel {
    if (hasLosses(model)) return model;
    throw new TypeError(`a model of the family ${model.family} has no losses`);
  }

  /** Takes what waits under a name through a segment that is not the last. */
  async function advance(number: number, key: string, batch: TokenBatch): Promise<void> {
    await store.put(key, await model.advance(number, await store.take(key), batch));
  }

  /** Lets the observers look, and sends off what they want to go on. */
  async function show(
    segment: number,
    index: number,
    given: Float32Array,
    running: RunningBranch[],
  ): Promise<void> {
    const hook = segments[segment]!.hook!;
    const widths = model.widths[segment]!;
    const residual = valueOfCut(given, widths);
    const batch = batches[index]!;
    const ablated = ({ observer }: { observer: Observer }): boolean =>
      places.some((at, place) => at.hook === hook && ablationsAt(observer, place) > 0);
    if (widths.beside > 0 && watching(index).some(ablated)) {
      besideFloats += given.length - residual.length;
      if (4 * besideFloats > besideLimit) beside = null;
      beside?.set(`${index}-${hook}`, given.slice(residual.length));
    }
    for (const [place, at] of places.entries()) {
      const waiting = `input-${index}-${place}`;
      if (at.reads === hook && at.hook !== hook) await store.put(waiting, residual.slice());
      if (at.hook !== hook) continue;
      const input = at.reads === hook ? residual : await store.take(waiting);
      for (const { observer, number } of watching(index)) {
        const seen: HookBatch = { hook: place, index: number, batch, residual, input };
        for (const { residual: sent, rows, ended } of (await observer.see?.(seen)) ?? []) {
          const whole = rows === undefined ? given : rowsOfCut(given, widths, batch.rows, rows);
          const its = rows === undefined ? batch : rowsOfBatch(batch, rows);
          let at: RunningBranch['at'];
          if (!model.resident) {
            at = { key: `branch-${index}-${running.length}` };
            await store.put(at.key, withValue(whole, sent));
          } else if (widths.beside === 0) at = { residual: sent };
          else at = { value: sent, residual: whole.subarray(sent.length) };
          running.push({ at, from: segment, observer, ended, batch: its });
        }
      }
    }
  }

  async function finish(
    index: number,
    running: readonly RunningBranch[],
    clean: Float32Array | null,
  ): Promise<void> {
    const batch = batches[index]!;
    const askers = watching(index).filter(({ observer }) => observer.clean !== undefined);
    if (askers.length > 0) {
      const nll = await ends().finish(clean, batch);
      for (const { observer, number } of askers) observer.clean?.(number, batch, nll);
    }
    for (const { at, from, observer, batch: own, ended } of running) {
      if (!('key' in at)) {
        const goes = { from, ...at, batch: own, between: stopWhenAsked };
        ended(await ends().endings({ ...goes, clean: observer.divergence ? clean! : undefined }));
        continue;
      }
      const residual = await store.take(at.key);
      if (observer.divergence) ended(await ends().finishDivergence(residual, clean!, batch));
      else ended({ nll: await ends().finish(residual, own) });
    }
  }

  /** @param branches of the batches that are on their way */
  async function ablate(
    segment: number,
    hook: number,
    constants: RunningConstant[],
    branches: ReadonlyMap<number, RunningBranch[]>,
  ): Promise<void> {
    for (const { observer, from, to } of views) {
      const own = batches.slice(from, to);
      if (own.length === 0) continue;
      const asked = places.flatMap((at, place) =>
        at.hook === hook ? [...(observer.seen?.(place) ?? [])] : [],
      );
      for (const { vector, ended } of asked) {
        if (model.widths[segment]!.beside > 0) {
          const part = { from, to };
          if (waits(segment, part, branches)) await branchOff(segment, { vector, ended }, part, branches);
          else apart.push({ hook, vector, part, ended });
          continue;
        }
        const key = `constant-${constants.length}`;
        await store.put(key, repeated(vector, own[0]!.tokens));
        constants.push({ key, batches: own, ended });
      }
    }
  }

  /** Whether what travels behind a segment waits in the store for all batches of an observer. */
  function waits(
    segment: number,
    { from, to }: { from: number; to: number },
    branches: ReadonlyMap<number, RunningBranch[]>,
  ): boolean {
    const there = (index: number): boolean =>
      branches.has(index) && (segment < lastHook || cleanEnds[index]!);
    return !model.resident && Array.from({ length: to - from }, (_, i) => from + i).every(there);
  }

  /** An ablation beside the other branches, with what waits: no pass of its own, for which all segments would be loaded again. */
  async function branchOff(
    segment: number,
    { vector, ended }: ConstantBranch,
    { from, to }: { from: number; to: number },
    branches: ReadonlyMap<number, RunningBranch[]>,
  ): Promise<void> {
    const nll = Array<Float32Array>(to - from);
    let left = nll.length;
    for (let index = from; index < to; index++) {
      stopWhenAsked();
      const batch = batches[index]!;
      const given = await store.take(`clean-${index}`);
      const running = branches.get(index)!;
      const key = `branch-${index}-${running.length}`;
      await store.put(key, withValue(given, repeated(vector, batch.rows * batch.tokens)));
      await store.put(`clean-${index}`, given);
      running.push({
        at: { key },
        from: segment,
        observer: {},
        batch,
        ended(ending) {
          nll[index - from] = ending.nll;
          left--;
          if (left === 0) ended(nll);
        },
      });
    }
  }

  function progressApart(...[done, all, fields, share]: Parameters<Reporter['progress']>): void {
    reporter.progress(done, all, { ...fields, pass: 'ablations' }, share);
  }

  /**
   * Ablations where nothing is kept for them, by a pass of their own: the residual beside the hook differs from text to text, so that one row does not stand for
   * all. The vector is known when all text was seen, hence they go through the model after it.
   */
  async function sweepApart(): Promise<void> {
    const nll = apart.map(({ part }) => Array<Float32Array>(part.to - part.from));
    const from = Math.min(...apart.map(({ part }) => part.from));
    const to = Math.max(...apart.map(({ part }) => part.to));
    const { work: _, places: __, ...others } = options;
    await sweep(
      model,
      batches.slice(from, to),
      apart.map(({ hook, vector, part }, i) => ({
        part: { from: part.from - from, to: part.to - from },
        async see({ hook: here, index, batch }) {
          if (here !== hook) return [];
          const residual = repeated(vector, batch.rows * batch.tokens);
          const ended: Branch['ended'] = (ending) => {
            nll[i]![index] = ending.nll;
          };
          return [{ residual, ended }];
        },
      })),
      {
        ...others,
        store,
        reporter: { ...reporter, progress: progressApart },
      },
    );
    for (const [i, { ended }] of apart.entries()) ended(nll[i]!);
  }
}
