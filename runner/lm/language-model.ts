import { UserError } from '../errors.ts';
import type { Device } from '../onnx/devices.ts';
import { float32, floatsOf, type HostTensor, int32, openSession, type Session } from '../onnx/session.ts';
import type { Checkpoint } from './checkpoint.ts';
import { familyOf } from './families/index.ts';
import { tileWidth } from './head-tiles.ts';
import { buildDivergence, buildSegments } from './segments.ts';

/** Token ids of several rows of equal width; rows shorter than that are padded on the right. */
export interface TokenBatch {
  /** [rows · tokens] */
  ids: Int32Array;
  rows: number;
  tokens: number;
  /** Real tokens of each row, [rows]; absent when every row is full. */
  lengths?: Int32Array;
}

export interface LanguageModel {
  readonly family: string;
  readonly blocks: number;
  readonly dModel: number;
  readonly vocabulary: number;
  /** Number type most of the weights are stored in, as the checkpoint names it. */
  readonly storedType: string;
  /** Blocks after which the residual stream is cut, ascending. */
  readonly hooks: readonly number[];
  /** The residual at each hook up to and including hook `last` (default: all): [rows, tokens, dModel] each. */
  residuals(batch: TokenBatch, last?: number): Promise<Float32Array[]>;
  /**
   * Next-token cross entropy in nats, [rows · tokens], of the model continued from a residual at hook number `hook`.
   * Positions without a next token hold 0: `lossCount` says how many count.
   */
  losses(hook: number, residual: Float32Array, batch: TokenBatch): Promise<Float32Array>;
  /**
   * Losses of every batch with the residual at hook number `hook` replaced by the same vector at every position:
   * zero or mean ablation. The text no longer matters, so one row runs through the model and answers for all.
   *
   * @param vector [dModel]
   * @param batches of one width
   * @returns one array a batch, as `losses` gives them
   */
  lossesOfConstant(
    hook: number,
    vector: Float32Array,
    batches: readonly TokenBatch[],
  ): Promise<Float32Array[]>;
  /** As `losses`, from a residual at hook `hook`, giving logits [rows, tokens, vocabulary]; only if opened with logits. */
  logits(hook: number, residual: Float32Array, batch: TokenBatch): Promise<Float32Array>;
  /**
   * The residual after the last block, [rows, tokens, dModel], of the model continued from one at hook `hook`;
   * only if opened with divergence.
   */
  finalResidual(hook: number, residual: Float32Array, batch: TokenBatch): Promise<Float32Array>;
  /**
   * As `losses`, and with them KL(clean ‖ patched) in nats over the whole vocabulary, [rows · tokens], at the same
   * positions (0 elsewhere); only if opened with divergence.
   *
   * @param residual the patched residual at hook number `hook`
   * @param clean what `finalResidual` gives for the clean one; it serves any number of patched ones
   */
  divergences(
    hook: number,
    residual: Float32Array,
    clean: Float32Array,
    batch: TokenBatch,
  ): Promise<{ nll: Float32Array; kl: Float32Array }>;
  close(): Promise<void>;
}

/** Number of positions of one row that have a next token. */
export function lossCount(batch: TokenBatch, row: number): number {
  return Math.max(0, (batch.lengths?.[row] ?? batch.tokens) - 1);
}

export interface LanguageModelOptions {
  hooks: readonly number[];
  device?: Device;
  threads?: number;
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
}

/**
 * Opens a checkpoint as segments cut at the hooks.
 *
 * @throws UserError for a hook the model does not have or an unknown family
 * @throws MalformedError for a tensor that is missing or has the wrong shape
 * @throws UnavailableError when a session cannot be made on the device
 */
export async function openLanguageModel(
  checkpoint: Checkpoint,
  options: LanguageModelOptions,
): Promise<LanguageModel> {
  const family = familyOf(checkpoint);
  const hooks = [...new Set(options.hooks)].sort((a, b) => a - b);
  for (const hook of hooks) {
    if (Number.isInteger(hook) && hook >= 0 && hook < family.blocks) continue;
    throw new UserError({
      thing: 'hook layer',
      found: String(hook),
      expected: `a block between 0 and ${family.blocks - 1}`,
      next: 'Choose layers that the model has.',
    });
  }
  const maxTokens = Math.min(options.maxTokens ?? family.contextLength, family.contextLength);
  const lastBlock = family.blocks - 1;
  const cuts = options.divergence && hooks.at(-1) !== lastBlock ? [...hooks, lastBlock] : hooks;
  const programs = buildSegments(checkpoint, family, {
    hooks: cuts,
    maxTokens,
    logits: options.logits ?? false,
    tile: options.tile ?? tileWidth(family.vocabulary),
  });
  const last = programs.length - 1;
  if (options.divergence) {
    // As measured: two sets of logits, what is computed from them, and what the allocator keeps.
    const tile = options.tile ?? tileWidth(family.vocabulary, 16);
    programs.push(buildDivergence(checkpoint, family, { maxTokens, tile }));
  }
  const sessions: Session[] = [];
  try {
    for (const program of programs) {
      sessions.push(
        await openSession(program, {
          folder: checkpoint.weightsFolder,
          ...(options.device === undefined ? {} : { device: options.device }),
          ...(options.threads === undefined ? {} : { threads: options.threads }),
        }),
      );
    }
  } catch (error) {
    await Promise.all(sessions.map((session) => session.close()));
    throw error;
  }

  /** Runs the segments after hook number `hook` up to the last one; `targets` [rows · tokens, sets]. */
  async function finish(
    hook: number,
    residual: Float32Array,
    batch: Pick<TokenBatch, 'rows' | 'tokens'>,
    targets: Int32Array,
    output: string,
  ): Promise<Float32Array> {
    const x = await beforeLast(hook, residual, batch);
    const positions = batch.rows * batch.tokens;
    const feeds = {
      residual: float32(x, shapeOf(batch)),
      targets: int32(targets, [positions, targets.length / positions]),
    };
    return floatsOf(await sessions[last]!.run(feeds, [output]), output);
  }

  /** What the last segment takes, from a residual at hook number `hook`. */
  async function beforeLast(
    hook: number,
    residual: Float32Array,
    batch: Pick<TokenBatch, 'rows' | 'tokens'>,
  ): Promise<Float32Array> {
    checkWidth(batch);
    let x = residual;
    for (let segment = hook + 1; segment < last; segment++) {
      x = floatsOf(await sessions[segment]!.run({ residual: float32(x, shapeOf(batch)) }), 'residual_after');
    }
    return x;
  }

  /** The program of two residuals. */
  function twofold(): Session {
    const session = sessions[last + 1];
    if (session === undefined) throw new TypeError('this language model was opened without divergence');
    return session;
  }

  function shapeOf(batch: Pick<TokenBatch, 'rows' | 'tokens'>): number[] {
    return [batch.rows, batch.tokens, family.dModel];
  }

  function checkWidth(batch: Pick<TokenBatch, 'rows' | 'tokens'>): void {
    if (batch.tokens <= maxTokens) return;
    throw new UserError({
      thing: 'row of tokens',
      found: `${batch.tokens} tokens`,
      expected: `at most ${maxTokens}`,
      next: 'Use shorter rows (rowTokens).',
    });
  }

  return {
    family: family.name,
    blocks: family.blocks,
    dModel: family.dModel,
    vocabulary: family.vocabulary,
    storedType: storedType(checkpoint),
    hooks,
    async residuals(batch, until = hooks.length - 1) {
      checkWidth(batch);
      const found: Float32Array[] = [];
      for (let hook = 0; hook <= until; hook++) {
        const before = found[hook - 1];
        const feeds: Record<string, HostTensor> =
          before === undefined
            ? { ids: int32(batch.ids, [batch.rows, batch.tokens]) }
            : { residual: float32(before, shapeOf(batch)) };
        found.push(floatsOf(await sessions[hook]!.run(feeds), 'residual_after'));
      }
      return found;
    },
    losses: (hook, residual, batch) => finish(hook, residual, batch, targetsOf(batch), 'nll'),
    logits: (hook, residual, batch) => finish(hook, residual, batch, targetsOf(batch), 'logits'),
    async lossesOfConstant(hook, vector, batches) {
      const tokens = batches[0]?.tokens ?? 0;
      const rows = batches.flatMap((batch) => rowTargets(batch));
      if (rows.length === 0) return [];
      // Transposed: a position's targets in all rows stand together.
      const targets = new Int32Array(tokens * rows.length);
      rows.forEach((row, r) => {
        row.forEach((id, t) => {
          targets[t * rows.length + r] = id;
        });
      });
      const residual = new Float32Array(tokens * family.dModel);
      for (let at = 0; at < residual.length; at += family.dModel) residual.set(vector, at);
      const nll = await finish(hook, residual, { rows: 1, tokens }, targets, 'nll');
      let first = 0;
      return batches.map((batch) => {
        const losses = new Float32Array(batch.rows * tokens);
        for (let row = 0; row < batch.rows; row++) {
          for (let t = 0; t < tokens; t++) losses[row * tokens + t] = nll[t * rows.length + first + row]!;
        }
        first += batch.rows;
        return losses;
      });
    },
    async finalResidual(hook, residual, batch) {
      twofold();
      return beforeLast(hook, residual, batch);
    },
    async divergences(hook, residual, clean, batch) {
      const targets = targetsOf(batch);
      const outputs = await twofold().run({
        residual: float32(await beforeLast(hook, residual, batch), shapeOf(batch)),
        clean: float32(clean, shapeOf(batch)),
        targets: int32(targets, [targets.length, 1]),
      });
      return { nll: floatsOf(outputs, 'nll'), kl: floatsOf(outputs, 'kl') };
    },
    async close() {
      for (const session of sessions) await session.close();
    },
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

function storedType(checkpoint: Checkpoint): string {
  const bytes = new Map<string, number>();
  for (const { dtype, start, end } of checkpoint.tensors.values()) {
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + end - start);
  }
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'none';
}
