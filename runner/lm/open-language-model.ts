/** A language model as a chain of segments: its programs and sessions, and what is asked of them. */
import { MalformedError, UserError } from '../errors.ts';
import { hookName, orderedHooks } from '../hook.ts';
import { joined } from '../math/joined.ts';
import { kernelsOf } from '../onnx/device-facts.ts';
import type { Device } from '../onnx/devices.ts';
import type { AttentionKernels } from '../onnx/kernels.ts';
import {
  type Feeds,
  float32,
  floatsOf,
  type HoldingSession,
  int32,
  openHoldingSession,
} from '../onnx/session.ts';
import { Carried, carriedOutputs } from './carried.ts';
import type { Checkpoint } from './checkpoint.ts';
import { checkpointNotes } from './checkpoint-notes.ts';
import { partsOfCut, valueOfCut } from './cut.ts';
import { familyOf } from './families/index.ts';
import { firstNotFinite, notFinite } from './finite.ts';
import { tileWidth } from './head-tiles.ts';
import { heldResiduals } from './held-residuals.ts';
import {
  type Divergence,
  type Going,
  type LanguageModel,
  repeated,
  rowOf,
  type TokenBatch,
  tokenBeyond,
} from './language-model.ts';
import type { LanguageModelOptions } from './language-model-options.ts';
import { partsOf } from './parts.ts';
import { placementOf } from './placement.ts';
import { storedType } from './precision.ts';
import { buildDivergence, buildSegments, widthsAt } from './segments.ts';
import { openSquareSums } from './square-sums.ts';
import { lossesApart, targetsOf, targetsTogether } from './targets.ts';

/**
 * Opens a checkpoint as segments cut at the hooks.
 *
 * @throws UserError for a hook the model does not have or an unknown family
 * @throws MalformedError for a tensor that is missing or has the wrong shape
 * @throws UnavailableError when a session cannot be made on the device; of segments loaded in turn, also later
 */
export async function openLanguageModel(
  checkpoint: Checkpoint,
  options: LanguageModelOptions,
): Promise<LanguageModel> {
  const family = familyOf(checkpoint);
  const hooks = orderedHooks(options.hooks);
  const maxTokens = Math.min(options.maxTokens ?? family.contextLength, family.contextLength);
  const { precision = 'float32' } = options;
  const parts = partsOf(checkpoint, family, precision);
  const { segments, resident } = placementOf(parts, {
    hooks,
    cuts: options.cuts,
    devices: [options.device ?? 'cpu'].flat(),
    memory: options.memory,
    divergence: options.divergence,
    activationsOnly: options.activationsOnly,
  });
  const last = segments.length - 1;
  const widths = segments.slice(0, last).map(({ to }) => widthsAt(family, to!));
  const kernels = new Map<Device, AttentionKernels>();
  for (const { device } of segments) {
    // A device of another kind is checked before it is used, and what it does wrong is done another way.
    kernels.set(device, options.kernels ?? (await kernelsOf(device, precision)));
  }
  const programs = buildSegments(checkpoint, family, {
    segments: segments.map((segment) => ({ ...segment, kernels: kernels.get(segment.device)! })),
    maxTokens,
    logits: options.logits ?? false,
    precision,
    tile: options.tile ?? tileWidth(family.vocabulary),
  }).map((program) => [program]);
  if (options.divergence) {
    // As measured: two sets of logits, what is computed from them, and what the allocator keeps.
    const tile = options.tile ?? tileWidth(family.vocabulary, 16);
    programs[last]!.push(
      buildDivergence(checkpoint, family, { maxTokens, tile, precision, device: segments[last]!.device }),
    );
  }
  const held = new Map<number, HoldingSession[]>();
  const { threads, aside } = options;
  const running = {
    ...(threads === undefined ? {} : { threads }),
    ...(aside === undefined ? {} : { aside }),
  };
  const squareSums = openSquareSums(running);
  /** What `advance` gave last, where it was computed: it is what the next segment takes, unless a branch comes between. */
  let latest: { array: Float32Array; carried: Carried } | null = null;

  /** The sessions of a segment: its program, and after the last one's that of two residuals. */
  async function sessionsOf(segment: number): Promise<HoldingSession[]> {
    const known = held.get(segment);
    if (known !== undefined) return known;
    if (!resident) await release();
    const sessions: HoldingSession[] = [];
    held.set(segment, sessions);
    for (const program of programs[segment]!) {
      sessions.push(
        await openHoldingSession(
          program,
          {
            folder: checkpoint.weightsFolder,
            device: segments[segment]!.device,
            ...running,
            ...(options.prepack === undefined ? {} : { prepack: options.prepack }),
          },
          // Of segments loaded in turn nothing may stay behind.
          resident ? program.outputs.filter((output) => carriedOutputs.includes(output)) : [],
        ),
      );
    }
    return sessions;
  }

  async function release(): Promise<void> {
    const sessions = [...held.values()].flat();
    held.clear();
    latest = null;
    for (const session of sessions) await session.close();
    await squareSums.close();
  }

  try {
    // Of segments loaded in turn the first one shows that the device is there.
    const needed = options.activationsOnly ? segments.findLastIndex(({ hook }) => hook !== null) : last;
    for (const segment of resident ? segments.keys() : [0]) if (segment <= needed) await sessionsOf(segment);
  } catch (error) {
    await release();
    throw error;
  }

  /** @param targets [rows · tokens, sets] */
  async function lastSegment(
    residual: Float32Array | Carried | null,
    batch: TokenBatch,
    targets: Int32Array,
    output: string,
    value?: Float32Array,
  ): Promise<Float32Array> {
    const positions = batch.rows * batch.tokens;
    const feeds = {
      ...inputOf(last, residual, batch, value),
      targets: int32(targets, [positions, targets.length / positions]),
    };
    const [session] = await sessionsOf(last);
    const values = floatsOf((await session!.run(feeds, [output])).host, output);
    await checkFinite(values, { what: 'loss', segment: last, batch, residual });
    return values;
  }

  /**
   * @param residual what the segment was given; null for ids
   * @throws MalformedError for the first value that is not finite
   */
  async function checkFinite(
    values: Float32Array,
    from: {
      what: 'residual' | 'loss' | 'divergence';
      segment: number;
      batch: TokenBatch;
      residual: Float32Array | Carried | null;
    },
  ): Promise<void> {
    const at = firstNotFinite(values);
    if (at < 0) return;
    const { what, segment, batch, residual } = from;
    throw await notFinite(checkpoint, parts, segments, {
      what,
      segment,
      tokens: batch.tokens,
      value: values[at]!,
      position: Math.floor(at / (values.length / batch.ids.length)),
      given: residual instanceof Float32Array && firstNotFinite(residual) >= 0,
    });
  }

  async function advance(
    segment: number,
    residual: Float32Array | null,
    batch: TokenBatch,
  ): Promise<Float32Array> {
    const carried = await step(segment, residual, batch);
    const array = carried instanceof Carried ? await carried.read() : carried;
    await checkFinite(array, { what: 'residual', segment, batch, residual });
    latest?.carried.dispose();
    latest = carried instanceof Carried ? { array, carried } : null;
    return array;
  }

  /** What a segment makes of what it is given. */
  async function step(
    segment: number,
    given: Float32Array | Carried | null,
    batch: TokenBatch,
    value?: Float32Array,
  ): Promise<Float32Array | Carried> {
    const [session] = await sessionsOf(segment);
    const { host, held } = await session!.run(inputOf(segment, given, batch, value));
    if (resident) return new Carried(held);
    const parts = carriedOutputs.flatMap((name) => (name in host ? [floatsOf(host, name)] : []));
    return parts.length === 1 ? parts[0]! : joined(parts);
  }

  /**
   * What the last segment takes, from what came behind segment number `from`, to be disposed of by `use`’s end. In between it
   * stays on the devices.
   */
  async function carried<T>(
    { from, residual, value: apart, batch, between }: Going,
    use: (residual: Float32Array | Carried, value?: Float32Array) => Promise<T>,
  ): Promise<T> {
    let x: Float32Array | Carried = residual;
    let value = apart;
    const dispose = (): void => {
      if (x instanceof Carried) x.dispose();
    };
    try {
      for (let segment = from + 1; segment < last; segment++) {
        between?.();
        const next = await step(segment, x, batch, value);
        dispose();
        [x, value] = [next, undefined];
      }
      return await use(x, value);
    } catch (error) {
      // Which of the segments it was that gave the first number that is none.
      const whole = apart === undefined ? residual : joined([apart, residual]);
      if (error instanceof MalformedError) await retrace({ from, residual: whole, batch, between });
      throw error;
    } finally {
      dispose();
    }
  }

  async function retrace({ from, residual, batch }: Going): Promise<void> {
    let x = residual;
    for (let segment = from + 1; segment < last; segment++) x = await advance(segment, x, batch);
  }

  /** From a residual at hook number `hook`. */
  function fromHook(hook: number, residual: Float32Array, batch: TokenBatch): Going {
    const from = segments.findIndex((segment) => segment.hook === hook);
    const { value, beside } = widths[from]!;
    if (residual.length !== batch.rows * batch.tokens * (value + beside))
      throw new TypeError(`from ${hookName(hooks[hook]!)}: all that travels over the cut is needed`);
    return { from, residual, batch };
  }

  /** @param apart the hook's own tensor, where `given` is what travels beside it alone */
  function inputOf(
    segment: number,
    given: Float32Array | Carried | null,
    batch: TokenBatch,
    apart?: Float32Array,
  ): Feeds {
    checkWidth(batch);
    if (latest !== null && latest.array === given) return latest.carried.feeds();
    if (given instanceof Carried) return given.feeds();
    if (given === null) {
      checkIds(batch.ids);
      return { ids: int32(batch.ids, [batch.rows, batch.tokens]) };
    }
    const { value, residual } =
      apart === undefined ? partsOfCut(given, widths[segment - 1]!) : { value: apart, residual: given };
    return {
      ...(value && { value: float32(value, [batch.rows, batch.tokens, widths[segment - 1]!.value]) }),
      residual: float32(residual, [batch.rows, batch.tokens, residual.length / batch.ids.length]),
    };
  }

  async function residuals(batch: TokenBatch, until = hooks.length - 1): Promise<Float32Array[]> {
    const found: Float32Array[] = [];
    let x: Float32Array | null = null;
    for (let segment = 0; found.length <= until; segment++) {
      x = await advance(segment, x, batch);
      if (segments[segment]!.hook !== null) found.push(valueOfCut(x, widths[segment]!));
    }
    // They are the caller's, to change too.
    latest?.carried.dispose();
    latest = null;
    return found;
  }

  function needDivergence(): void {
    if (!options.divergence) throw new TypeError('this language model was opened without divergence');
  }

  function cleanInput(given: Float32Array, batch: TokenBatch): Feeds {
    const { value, residual: clean } = inputOf(last, given, batch);
    return { clean: clean!, ...(value && { clean_value: value }) };
  }

  function checkIds(ids: Int32Array): void {
    const beyond = ids.find((id) => id < 0 || id >= family.vocabulary);
    if (beyond !== undefined) throw tokenBeyond(beyond, family.vocabulary);
  }

  function checkWidth(batch: TokenBatch): void {
    if (batch.tokens <= maxTokens) return;
    throw new UserError({
      thing: 'row of tokens',
      found: `${batch.tokens} tokens`,
      expected: `at most ${maxTokens}`,
      next: 'Use shorter rows (rowTokens).',
    });
  }

  async function finishDivergence(
    residual: Float32Array | Carried,
    clean: Float32Array,
    batch: TokenBatch,
    value?: Float32Array,
  ): Promise<Divergence> {
    needDivergence();
    const targets = targetsOf(batch);
    const [, twofold] = await sessionsOf(last);
    const { host: outputs } = await twofold!.run({
      ...inputOf(last, residual, batch, value),
      ...cleanInput(clean, batch),
      targets: int32(targets, [targets.length, 1]),
    });
    const kl = floatsOf(outputs, 'kl');
    await checkFinite(kl, { what: 'divergence', segment: last, batch, residual });
    batch.lengths?.forEach((length, row) => {
      kl.fill(0, row * batch.tokens + length, (row + 1) * batch.tokens);
    });
    return { nll: floatsOf(outputs, 'nll'), kl };
  }

  async function finishForAll(
    residual: Float32Array | Carried,
    batches: readonly TokenBatch[],
  ): Promise<Float32Array[]> {
    const together = targetsTogether(batches);
    if (together === null) return [];
    const { targets, tokens } = together;
    return lossesApart(await lastSegment(residual, rowOf(tokens), targets, 'nll'), batches);
  }

  return {
    family: family.name,
    blocks: family.blocks,
    dModel: family.dModel,
    vocabulary: family.vocabulary,
    storedType: storedType(checkpoint),
    notes: checkpointNotes(checkpoint, family),
    hooks,
    segments,
    widths,
    resident,
    advance,
    finish: (residual, batch) => lastSegment(residual, batch, targetsOf(batch), 'nll'),
    finishDivergence: (residual, clean, batch) => finishDivergence(residual, clean, batch),
    finishForAll,
    endings: ({ clean, ...going }) =>
      carried(going, async (residual, value) =>
        clean === undefined
          ? { nll: await lastSegment(residual, going.batch, targetsOf(going.batch), 'nll', value) }
          : finishDivergence(residual, clean, going.batch, value),
      ),
    residuals,
    heldResiduals: (batch) => heldResiduals({ hooks, segments, step, squareSums, residuals }, batch),
    async losses(hook, residual, batch) {
      return carried(fromHook(hook, residual, batch), (x) => lastSegment(x, batch, targetsOf(batch), 'nll'));
    },
    async logits(hook, residual, batch) {
      return carried(fromHook(hook, residual, batch), (x) =>
        lastSegment(x, batch, targetsOf(batch), 'logits'),
      );
    },
    async lossesOfConstant(hook, vector, batches) {
      const tokens = batches[0]?.tokens ?? 0;
      if (tokens === 0) return [];
      return carried(fromHook(hook, repeated(vector, tokens), rowOf(tokens)), (x) =>
        finishForAll(x, batches),
      );
    },
    async finalResidual(hook, residual, batch) {
      needDivergence();
      return carried(fromHook(hook, residual, batch), async (x) => (x instanceof Carried ? x.read() : x));
    },
    async divergences(hook, residual, clean, batch) {
      needDivergence();
      return carried(fromHook(hook, residual, batch), (x) => finishDivergence(x, clean, batch));
    },
    close: release,
  };
}
