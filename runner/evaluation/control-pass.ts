/**
 * Controls: what the same measurement gives where the answer is known, or where nothing was learned. They are measured
 * in the pass that measures the SAEs, on its last rows; what they must be fitted to are the rows before.
 *
 * - identity: x̂ = x, the ceiling of every reconstruction;
 * - pca: the k principal components of the residual, k the SAE's L0, mean added;
 * - untrained: a TopK SAE of the same shape and L0 as it is before its first step: random unit decoder rows, the
 *   encoder their transpose, b_dec the mean;
 * - permuted_decoder: the SAE's own latents, decoded with its rows in another order.
 *
 * Cost: for each control what an SAE costs, on the share of rows that are controlled.
 */
import { deserialize, serialize } from 'node:v8';
import { type Hook, placeName } from '../hook.ts';
import type { ContentCache } from '../io/content-cache.ts';
import { canonicalJson, sha256 } from '../io/hash.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import { lossCount } from '../lm/language-model.ts';
import type { Branch, Observer } from '../lm/observer.ts';
import { joined } from '../math/joined.ts';
import type { FiringTable } from '../metrics/firing.ts';
import { type HookStatistics, type HookTables, hookStatistics } from '../metrics/hook-statistics.ts';
import type { ReconstructionTable } from '../metrics/reconstruction.ts';
import { sideBySide } from '../onnx/side-by-side.ts';
import type { Latents } from '../sae/sae.ts';
import { type CachedResults, documentOf, documentsOf, type HookSaes, namesOf } from './observation.ts';
import {
  type Control,
  type ControlSae,
  controlsOf,
  type LeftOutControl,
  type MakingOptions,
  type Reconstructor,
  type SeenActivations,
} from './reconstructors.ts';

/** Floats of residuals kept to fit on, a hook (64 MiB). */
const FIT_LIMIT = 16 << 20;
export interface ControlsMeasured extends Hook {
  /** The rows controlled are the last ones, from this one on. */
  firstRow: number;
  /** Tokens of rows before it that were kept for fitting. */
  fitTokens: number;
  /** In the order of `tables.saes` and of `losses`. */
  controls: readonly Control[];
  tables: HookTables;
  /** Sum of cross entropy of each controlled row. */
  losses: readonly Float64Array[];
  /** Controls that could not be made, with the reason. */
  leftOut: readonly LeftOutControl[];
}

export interface ControlOptions extends MakingOptions {
  /** Fewest tokens to control, in whole batches; see `firstControlled`. */
  tokens: number;
  /** Where results of controls that do not depend on an SAE are cached. */
  cached?: CachedResults;
}

/** What was measured of a control. */
interface Outcome {
  reconstruction: ReconstructionTable;
  /** Null for a control whose latents are not counted. */
  firing: FiringTable | null;
  losses: Float64Array;
}

/** A control of a hook: measured before, or being measured. */
type Entry = Control &
  (
    | { outcome: Outcome }
    | {
        outcome: null;
        key: string | null;
        running: Awaited<ReturnType<Reconstructor['open']>>;
        losses: number[];
      }
  );

interface HookState {
  fit: SeenActivations[];
  fitTokens: number;
  made:
    | { entries: readonly Entry[]; statistics: HookStatistics; untrained: readonly UntrainedControl[] }
    | undefined;
  leftOut: LeftOutControl[];
}

/** The untrained SAE of one shape at a hook, for suites to score as they score those it is a control of. */
export interface UntrainedControl extends Pick<Control, 'of'> {
  /** All that it follows from. */
  follows: string;
  /** The pass's to close. */
  sae: ControlSae;
}

export interface ControlPass {
  observer: Observer;
  /** Of a hook, once a controlled batch was seen there. */
  untrained(hook: number): readonly UntrainedControl[];
  /** After the sweep. */
  measured(): ControlsMeasured[];
  close(): Promise<void>;
}

/** Whether a run asks for controls: some suite has values that they have too, and text is set aside for them. */
export function asksForControls(
  suites: readonly { controlled: boolean }[],
  { controlTokens }: { controlTokens: number },
): boolean {
  return suites.some(({ controlled }) => controlled) && controlTokens > 0;
}

/** Null for fewer than two batches: one is fitted on, and one controlled. */
export function controlPass(
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  options: ControlOptions,
): ControlPass | null {
  if (batches.length < 2) return null;
  const start = firstControlled(batches, options.tokens);
  const firstRow = batches.slice(0, start).reduce((sum, { rows }) => sum + rows, 0);
  const state = hooks.map((): HookState => ({ fit: [], fitTokens: 0, made: undefined, leftOut: [] }));

  const { cached } = options;
  /** What everything here follows from, but for the control itself and its hook. */
  const text = sha256(
    canonicalJson(['controls with firings', cached?.identity ?? '', start, namesOf(batches)]),
  );

  /** The controls of a hook, made when the first controlled batch arrives. */
  async function make(hook: number): Promise<NonNullable<HookState['made']>> {
    const here = state[hook]!;
    const { d } = hooks[hook]!;
    let whole: SeenActivations | undefined;
    const parts = here.fit;
    here.fit = [];
    const before = (): SeenActivations => {
      if (whole !== undefined) return whole;
      const residual = joined(parts.map((part) => part.residual));
      const input = hooks[hook]!.reads === undefined ? residual : joined(parts.map((part) => part.input));
      whole = { residual, input };
      return whole;
    };
    const entries: Entry[] = [];
    const untrained: UntrainedControl[] = [];
    for (const each of await controlsOf(hooks[hook]!, before, here.leftOut, {
      ...options,
      hashes: options.hashes[hook]!,
    })) {
      const { name, of, k, follows, asSae } = each;
      const all = `${text} hook ${placeName(hooks[hook]!)} of ${hooks.map(placeName).join()} ${name} ${follows}`;
      const key = cached && follows !== null ? all : null;
      if (asSae !== undefined) untrained.push({ of, follows: all, sae: asSae });
      const outcome = key === null ? undefined : await recall(cached!.cache, key);
      entries.push(
        outcome
          ? { name, of, k, outcome }
          : { name, of, k, outcome: null, key, running: await each.open(), losses: [] },
      );
    }
    const running = entries.filter(({ outcome }) => outcome === null);
    return {
      entries,
      untrained,
      statistics: hookStatistics(
        d,
        running.map((entry) => (entry.outcome === null ? entry.running.latents : null)),
      ),
    };
  }

  const observer: Observer = {
    // Of each SAE its decoder permuted, an untrained SAE and PCA; and the identity.
    branches: (index) => (index < start ? 0 : hooks.reduce((sum, { saes }) => sum + 3 * saes.length + 1, 0)),
    async see({ hook, index, batch, residual, input }) {
      const here = state[hook]!;
      const { d } = hooks[hook]!;
      if (index < start) {
        const tokens = batch.rows * batch.tokens;
        const read = input.length / tokens;
        const room = Math.floor(FIT_LIMIT / Math.max(d, read)) - here.fitTokens;
        const taken = Math.min(room, tokens);
        if (taken > 0) {
          here.fit.push({
            residual: residual.subarray(0, taken * d),
            input: input.subarray(0, taken * read),
          });
          here.fitTokens += taken;
        }
        return [];
      }
      here.made ??= await make(hook);
      const { entries, statistics } = here.made;
      const controls = entries.flatMap((entry) => (entry.outcome === null ? [entry] : []));
      const outputs = await sideBySide(
        controls,
        ({ running }) => running.device,
        ({ running }) => running.reconstruct({ residual, input }, batch.rows * batch.tokens, batch.tokens),
      );
      const branches = controls.map(
        ({ losses }, i): Branch => ({
          residual: outputs[i]!.reconstruction,
          ended: ({ nll }) => losses.push(...rowSums(nll, batch)),
        }),
      );
      for (let row = 0; row < batch.rows; row++) {
        const [from, to] = [row * batch.tokens * d, (row + 1) * batch.tokens * d];
        statistics.add(
          { x: residual.subarray(from, to), tokens: batch.tokens, pass: index, ...documentOf(batch, row) },
          outputs.map(({ reconstruction, latents }) => ({
            reconstruction: reconstruction.subarray(from, to),
            ...(latents && { latents: rowOf(latents, row, batch.tokens) }),
          })),
        );
      }
      return branches;
    },
  };

  return {
    observer,
    untrained(hook) {
      const { made } = state[hook]!;
      if (made === undefined) throw new TypeError('an untrained SAE is asked for before a controlled batch');
      return made.untrained;
    },
    measured: () =>
      state.map(({ made, leftOut, fitTokens }, hook) => {
        if (made === undefined) throw new TypeError('controls are asked for before the sweep');
        const { activations, saes } = made.statistics.tables();
        let next = 0;
        const outcomes = made.entries.map((entry): Outcome => {
          if (entry.outcome !== null) return entry.outcome;
          const outcome = {
            ...saes[next++]!,
            losses: Float64Array.from(entry.losses),
          };
          if (entry.key !== null) cached?.cache.put(entry.key, serialize(outcome));
          return outcome;
        });
        return {
          layer: hooks[hook]!.layer,
          site: hooks[hook]!.site,
          firstRow,
          fitTokens,
          controls: made.entries.map(({ name, of, k }) => ({ name, of, k })),
          tables: {
            activations,
            saes: outcomes.map(({ reconstruction, firing }) => ({ reconstruction, firing })),
          },
          losses: outcomes.map(({ losses }) => losses),
          leftOut,
        };
      }),
    async close() {
      for (const { made } of state) for (const { sae } of made?.untrained ?? []) await sae.close();
    },
  };
}

/** Latents of the tokens of one row of a batch. */
function rowOf({ k, values, indices }: Latents, row: number, tokens: number): Latents {
  const [from, to] = [row * tokens * k, (row + 1) * tokens * k];
  return { k, values: values.subarray(from, to), indices: indices.subarray(from, to) };
}

/** A control's outcome as it was cached; the cache has checked its bytes. */
async function recall(cache: ContentCache, key: string): Promise<Outcome | undefined> {
  const bytes = await cache.get(key);
  return bytes === undefined ? undefined : (deserialize(bytes) as Outcome);
}

/** Fewest documents whose resamples make an interval; more rows are controlled than asked for where it takes them. */
const LEAST_DOCUMENTS = 32;

/**
 * Number of the first batch that is controlled: the last batches that hold the tokens asked for and enough documents,
 * at most the second half of them.
 */
export function firstControlled(batches: readonly TokenBatch[], tokens: number): number {
  const least = Math.ceil(batches.length / 2);
  let start = batches.length;
  let taken = 0;
  while (start > least) {
    const chosen = batches.slice(start);
    const rows = chosen.reduce((sum, batch) => sum + batch.rows, 0);
    const documents = documentsOf(chosen);
    const blocks = documents === undefined ? rows : new Set(documents).size;
    if (taken >= tokens && blocks >= LEAST_DOCUMENTS) break;
    const { rows: more, tokens: width } = batches[start - 1]!;
    taken += more * width;
    start--;
  }
  return start;
}

function rowSums(nll: Float32Array, batch: TokenBatch): number[] {
  return Array.from({ length: batch.rows }, (_, row) => {
    let sum = 0;
    const from = row * batch.tokens;
    for (let i = from; i < from + lossCount(batch, row); i++) sum += nll[i]!;
    return sum;
  });
}
