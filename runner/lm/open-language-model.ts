/** A language model as a chain of segments: its programs and sessions, and what is asked of them. */
import { UserError } from '../errors.ts';
import { type HookLike, hookName, orderedHooks } from '../hook.ts';
import { joined } from '../math/joined.ts';
import { kernelsOf } from '../onnx/device-facts.ts';
import type { Device } from '../onnx/devices.ts';
import type { Precision } from '../onnx/graph.ts';
import type { AttentionKernels } from '../onnx/kernels.ts';
import { float32, floatsOf, type HostTensor, int32, openSession, type Session } from '../onnx/session.ts';
import type { Checkpoint } from './checkpoint.ts';
import { partsOfCut, valueOfCut } from './cut.ts';
import { familyOf } from './families/index.ts';
import { firstNotFinite, notFinite } from './finite.ts';
import { tileWidth } from './head-tiles.ts';
import {
  type Divergence,
  type LanguageModel,
  lossCount,
  repeated,
  rowOf,
  type TokenBatch,
  tokenBeyond,
} from './language-model.ts';
import { partsOf } from './parts.ts';
import { placementOf } from './placement.ts';
import { storedType } from './precision.ts';
import { buildDivergence, buildSegments, widthsAt } from './segments.ts';

export interface LanguageModelOptions {
  /** A number is the residual stream after that block. */
  hooks: readonly HookLike[];
  /**
   * Further places at which segments end: the last bits of a residual may depend on what is computed in one program,
   * so that of equal cuts come equal numbers, whichever of them are hooks.
   */
  cuts?: readonly HookLike[];
  /** One, or several that share the segments in this order; default the CPU. */
  device?: Device | readonly Device[];
  /** Bytes that weights may take on one device at a time; default no limit, so that all segments are held. */
  memory?: number;
  threads?: number;
  /** False keeps weights unpacked: less memory, slower products. Default true. */
  prepack?: boolean;
  /** Longest row; default the model's context length. */
  maxTokens?: number;
  logits?: boolean;
  /**
   * Whether KL divergences are asked for as well. The head then stands apart from the blocks before it and is
   * there twice, for one residual and for two.
   */
  divergence?: boolean;
  /** Entries of the vocabulary whose logits exist at a time; default by the limit in head-tiles.ts. */
  tile?: number;
  /** What blocks and the head are computed in; residuals and losses come as float32. Default float32. */
  precision?: Precision;
  /** Attention kernels that may be used; default those that pass the device's check. */
  kernels?: AttentionKernels;
}

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
  const held = new Map<number, Session[]>();

  /** The sessions of a segment: its program, and after the last one's that of two residuals. */
  async function sessionsOf(segment: number): Promise<Session[]> {
    const known = held.get(segment);
    if (known !== undefined) return known;
    if (!resident) await release();
    const sessions: Session[] = [];
    held.set(segment, sessions);
    for (const program of programs[segment]!) {
      sessions.push(
        await openSession(program, {
          folder: checkpoint.weightsFolder,
          device: segments[segment]!.device,
          ...(options.threads === undefined ? {} : { threads: options.threads }),
          ...(options.prepack === undefined ? {} : { prepack: options.prepack }),
        }),
      );
    }
    return sessions;
  }

  async function release(): Promise<void> {
    const sessions = [...held.values()].flat();
    held.clear();
    for (const session of sessions) await session.close();
  }

  try {
    // Of segments loaded in turn the first one shows that the device is there.
    for (const segment of resident ? segments.keys() : [0]) await sessionsOf(segment);
  } catch (error) {
    await release();
    throw error;
  }

  /** @param targets [rows · tokens, sets] */
  async function lastSegment(
    residual: Float32Array | null,
    batch: TokenBatch,
    targets: Int32Array,
    output: string,
  ): Promise<Float32Array> {
    const positions = batch.rows * batch.tokens;
    const feeds = {
      ...inputOf(last, residual, batch),
      targets: int32(targets, [positions, targets.length / positions]),
    };
    const [session] = await sessionsOf(last);
    const values = floatsOf(await session!.run(feeds, [output]), output);
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
      residual: Float32Array | null;
    },
  ): Promise<void> {
    const at = firstNotFinite(values);
    if (at < 0) return;
    const { what, segment, batch, residual } = from;
    throw await notFinite(checkpoint, parts, segments, {
      ...{ what, segment, tokens: batch.tokens, value: values[at]! },
      position: Math.floor(at / (values.length / batch.ids.length)),
      given: residual !== null && firstNotFinite(residual) >= 0,
    });
  }

  async function advance(
    segment: number,
    residual: Float32Array | null,
    batch: TokenBatch,
  ): Promise<Float32Array> {
    const [session] = await sessionsOf(segment);
    const outputs = await session!.run(inputOf(segment, residual, batch));
    const parts = ['value_after', 'residual_after'].flatMap((name) =>
      name in outputs ? [floatsOf(outputs, name)] : [],
    );
    for (const values of parts) await checkFinite(values, { what: 'residual', segment, batch, residual });
    return parts.length === 1 ? parts[0]! : joined(parts);
  }

  /** What the last segment takes, from a residual at hook number `hook`. */
  async function beforeLast(hook: number, residual: Float32Array, batch: TokenBatch): Promise<Float32Array> {
    const from = segments.findIndex((segment) => segment.hook === hook);
    if (widths[from]!.beside > 0)
      throw new TypeError(
        `from ${hookName(hooks[hook]!)} a sweep goes on: the residual beside it is needed too`,
      );
    let x = residual;
    for (let segment = from + 1; segment < last; segment++) x = await advance(segment, x, batch);
    return x;
  }

  function inputOf(
    segment: number,
    given: Float32Array | null,
    batch: TokenBatch,
  ): Record<string, HostTensor> {
    checkWidth(batch);
    if (given === null) {
      checkIds(batch.ids);
      return { ids: int32(batch.ids, [batch.rows, batch.tokens]) };
    }
    const { value, residual } = partsOfCut(given, widths[segment - 1]!);
    return {
      ...(value && { value: float32(value, [batch.rows, batch.tokens, widths[segment - 1]!.value]) }),
      residual: float32(residual, shapeOf(batch)),
    };
  }

  function needDivergence(): void {
    if (!options.divergence) throw new TypeError('this language model was opened without divergence');
  }

  function shapeOf(batch: TokenBatch): number[] {
    return [batch.rows, batch.tokens, family.dModel];
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
    residual: Float32Array,
    clean: Float32Array,
    batch: TokenBatch,
  ): Promise<Divergence> {
    needDivergence();
    const targets = targetsOf(batch);
    const [, twofold] = await sessionsOf(last);
    const outputs = await twofold!.run({
      residual: float32(residual, shapeOf(batch)),
      clean: float32(clean, shapeOf(batch)),
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
    residual: Float32Array,
    batches: readonly TokenBatch[],
  ): Promise<Float32Array[]> {
    const rows = batches.flatMap((batch) => rowTargets(batch));
    if (rows.length === 0) return [];
    const tokens = rows[0]!.length;
    // Transposed: a position's targets in all rows stand together.
    const targets = new Int32Array(tokens * rows.length);
    rows.forEach((row, r) => {
      row.forEach((id, t) => {
        targets[t * rows.length + r] = id;
      });
    });
    const nll = await lastSegment(residual, rowOf(tokens), targets, 'nll');
    let first = 0;
    return batches.map((batch) => {
      const losses = new Float32Array(batch.rows * tokens);
      for (let row = 0; row < batch.rows; row++) {
        for (let t = 0; t < tokens; t++) losses[row * tokens + t] = nll[t * rows.length + first + row]!;
      }
      first += batch.rows;
      return losses;
    });
  }

  return {
    family: family.name,
    blocks: family.blocks,
    dModel: family.dModel,
    vocabulary: family.vocabulary,
    storedType: storedType(checkpoint),
    notes: checkpoint.notes,
    hooks,
    segments,
    widths,
    resident,
    advance,
    finish: (residual, batch) => lastSegment(residual, batch, targetsOf(batch), 'nll'),
    finishDivergence,
    finishForAll,
    async residuals(batch, until = hooks.length - 1) {
      const found: Float32Array[] = [];
      let x: Float32Array | null = null;
      for (let segment = 0; found.length <= until; segment++) {
        x = await advance(segment, x, batch);
        if (segments[segment]!.hook !== null) found.push(valueOfCut(x, widths[segment]!));
      }
      return found;
    },
    async losses(hook, residual, batch) {
      return lastSegment(await beforeLast(hook, residual, batch), batch, targetsOf(batch), 'nll');
    },
    async logits(hook, residual, batch) {
      return lastSegment(await beforeLast(hook, residual, batch), batch, targetsOf(batch), 'logits');
    },
    async lossesOfConstant(hook, vector, batches) {
      const tokens = batches[0]?.tokens ?? 0;
      if (tokens === 0) return [];
      return finishForAll(await beforeLast(hook, repeated(vector, tokens), rowOf(tokens)), batches);
    },
    async finalResidual(hook, residual, batch) {
      needDivergence();
      return beforeLast(hook, residual, batch);
    },
    async divergences(hook, residual, clean, batch) {
      needDivergence();
      return finishDivergence(await beforeLast(hook, residual, batch), clean, batch);
    },
    close: release,
  };
}

/** The next token of each position, −1 where there is none. */
function targetsOf(batch: TokenBatch): Int32Array {
  const targets = new Int32Array(batch.ids.length).fill(-1);
  for (let row = 0; row < batch.rows; row++) {
    const start = row * batch.tokens;
    const count = lossCount(batch, row);
    targets.set(batch.ids.subarray(start + 1, start + 1 + count), start);
  }
  return targets;
}

function rowTargets(batch: TokenBatch): Int32Array[] {
  const targets = targetsOf(batch);
  return Array.from({ length: batch.rows }, (_, row) =>
    targets.subarray(row * batch.tokens, (row + 1) * batch.tokens),
  );
}
