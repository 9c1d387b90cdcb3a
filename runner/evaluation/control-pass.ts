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
import type { ContentCache } from '../io/content-cache.ts';
import { canonicalJson, sha256 } from '../io/hash.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import { lossCount } from '../lm/language-model.ts';
import type { Branch, Observer } from '../lm/sweep.ts';
import { random, shuffle } from '../math/random.ts';
import { type HookStatistics, type HookTables, hookStatistics } from '../metrics/hook-statistics.ts';
import type { ReconstructionTable } from '../metrics/reconstruction.ts';
import type { Device } from '../onnx/devices.ts';
import type { ReconstructionControl } from '../report/schema.ts';
import { type OpenSae, openSae } from '../sae/open-sae.ts';
import { topKSae } from '../sae/sae.ts';
import type { HookSaes } from './observation.ts';
import { fitPca, project } from './pca.ts';

/** Changes when a control is made in another way. */
const DEFINITION = 'controls/1';
/** Floats of residuals kept to fit on, a hook (64 MiB). */
const FIT_LIMIT = 16 << 20;
/** Tokens the L0 of an SAE without a fixed one is taken over. */
const L0_TOKENS = 1_024;
/** Floats of an untrained SAE's encoder (256 MiB); above it the control is left out, with the reason. */
const UNTRAINED_LIMIT = 64 << 20;

export interface Control {
  name: ReconstructionControl;
  /** Numbers of the SAEs at the hook that it is a control of. */
  of: readonly number[];
  /** Components, or active latents a token. */
  k: number | null;
}

export interface ControlsMeasured {
  layer: number;
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
  leftOut: readonly { control: ReconstructionControl; reason: string }[];
}

export interface ControlOptions {
  /** Tokens to control, rounded down to whole batches and leaving at least one batch to fit on. */
  tokens: number;
  seed: number;
  device?: Device;
  threads?: number;
  /** Where results of controls that no SAE decides are kept, and a hash of model, device and runtime. */
  kept?: { cache: ContentCache; identity: string };
}

interface Reconstructor extends Control {
  /** What it follows from beside model, text and hook; null where an SAE decides it, so that it is not kept. */
  follows: string | null;
  open(): Promise<{
    reconstruct(x: Float32Array, tokens: number): Promise<Float32Array>;
    close?(): Promise<void>;
  }>;
}

/** What was measured of a control. */
interface Outcome {
  reconstruction: ReconstructionTable;
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
  fit: Float32Array[];
  fitTokens: number;
  made: { entries: readonly Entry[]; statistics: HookStatistics } | undefined;
  leftOut: { control: ReconstructionControl; reason: string }[];
}

export interface ControlPass {
  observer: Observer;
  /** After the sweep. */
  measured(): ControlsMeasured[];
  close(): Promise<void>;
}

/** Null where the text is too short for a batch to fit on and one to control. */
export function controlPass(
  d: number,
  hooks: readonly HookSaes[],
  batches: readonly TokenBatch[],
  options: ControlOptions,
): ControlPass | null {
  const start = firstControlled(batches, options.tokens);
  if (start === null) return null;
  const firstRow = batches.slice(0, start).reduce((sum, { rows }) => sum + rows, 0);
  const state = hooks.map((): HookState => ({ fit: [], fitTokens: 0, made: undefined, leftOut: [] }));

  const { kept } = options;
  /** What everything here follows from, but for the control itself and its hook. */
  const text = sha256(
    canonicalJson([
      DEFINITION,
      kept?.identity ?? '',
      start,
      batches.map(({ ids, rows, tokens }) => [
        rows,
        tokens,
        sha256(Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength)),
      ]),
    ]),
  );

  /** The controls of a hook, made when the first controlled batch arrives. */
  async function make(hook: number): Promise<NonNullable<HookState['made']>> {
    const here = state[hook]!;
    const fit = joined(here.fit, here.fitTokens * d);
    here.fit = [];
    const entries: Entry[] = [];
    for (const each of await controlsOf(hooks[hook]!, fit, d, here.leftOut, options)) {
      const { name, of, k, follows } = each;
      const { layer } = hooks[hook]!;
      const key =
        kept && follows !== null
          ? `${text} hook ${layer} of ${hooks.map((each) => each.layer).join()} ${name} ${follows}`
          : null;
      const outcome = key === null ? undefined : await recall(kept!.cache, key);
      entries.push(
        outcome
          ? { name, of, k, outcome }
          : { name, of, k, outcome: null, key, running: await each.open(), losses: [] },
      );
    }
    const running = entries.filter(({ outcome }) => outcome === null);
    return {
      entries,
      statistics: hookStatistics(
        d,
        running.map(() => null),
      ),
    };
  }

  const observer: Observer = {
    async see({ hook, index, batch, residual }) {
      const here = state[hook]!;
      if (index < start) {
        const room = Math.floor(FIT_LIMIT / d) - here.fitTokens;
        const taken = Math.min(room, batch.rows * batch.tokens);
        if (taken > 0) {
          here.fit.push(residual.slice(0, taken * d));
          here.fitTokens += taken;
        }
        return [];
      }
      here.made ??= await make(hook);
      const { entries, statistics } = here.made;
      const outputs: Float32Array[] = [];
      const branches: Branch[] = [];
      for (const entry of entries) {
        if (entry.outcome !== null) continue;
        const { losses, running } = entry;
        const output = await running.reconstruct(residual, batch.rows * batch.tokens);
        outputs.push(output);
        branches.push({ residual: output, ended: ({ nll }) => losses.push(...rowSums(nll, batch)) });
      }
      for (let row = 0; row < batch.rows; row++) {
        const [from, to] = [row * batch.tokens * d, (row + 1) * batch.tokens * d];
        statistics.add(
          { x: residual.subarray(from, to), tokens: batch.tokens, pass: index },
          outputs.map((each) => ({ reconstruction: each.subarray(from, to) })),
        );
      }
      return branches;
    },
  };

  return {
    observer,
    measured: () =>
      state.map(({ made, leftOut, fitTokens }, hook) => {
        if (made === undefined) throw new TypeError('controls are asked for before the sweep');
        const { activations, saes } = made.statistics.tables();
        let next = 0;
        const outcomes = made.entries.map((entry): Outcome => {
          if (entry.outcome !== null) return entry.outcome;
          const outcome = {
            reconstruction: saes[next++]!.reconstruction,
            losses: Float64Array.from(entry.losses),
          };
          if (entry.key !== null) kept?.cache.put(entry.key, serialize(outcome));
          return outcome;
        });
        return {
          layer: hooks[hook]!.layer,
          firstRow,
          fitTokens,
          controls: made.entries.map(({ name, of, k }) => ({ name, of, k })),
          tables: {
            activations,
            saes: outcomes.map(({ reconstruction }) => ({ reconstruction, firing: null })),
          },
          losses: outcomes.map(({ losses }) => losses),
          leftOut,
        };
      }),
    async close() {
      for (const { made } of state) {
        for (const entry of made?.entries ?? []) if (entry.outcome === null) await entry.running.close?.();
      }
    },
  };
}

/** A control's outcome as it was kept; the cache has checked its bytes. */
async function recall(cache: ContentCache, key: string): Promise<Outcome | undefined> {
  const bytes = await cache.get(key);
  return bytes === undefined ? undefined : (deserialize(bytes) as Outcome);
}

/** Number of the first batch that is controlled. */
function firstControlled(batches: readonly TokenBatch[], tokens: number): number | null {
  let start = batches.length;
  let taken = 0;
  while (start > 1) {
    const { rows, tokens: width } = batches[start - 1]!;
    if (taken + rows * width > tokens) break;
    taken += rows * width;
    start--;
  }
  return start < batches.length ? start : null;
}

async function controlsOf(
  { layer, saes }: HookSaes,
  fit: Float32Array,
  d: number,
  leftOut: HookState['leftOut'],
  options: ControlOptions,
): Promise<Reconstructor[]> {
  const all = saes.map((_, i) => i);
  const controls: Reconstructor[] = [
    {
      name: 'identity',
      of: all,
      k: null,
      follows: '',
      open: async () => ({ reconstruct: async (x) => x.slice() }),
    },
  ];
  const ks: number[] = [];
  for (const sae of saes) ks.push(await activeLatents(sae, fit, d));
  for (const k of new Set(ks)) {
    const count = Math.min(k, d);
    const of = all.filter((i) => ks[i] === k);
    controls.push({
      name: 'pca',
      of,
      k: count,
      follows: `${count}`,
      async open() {
        const pca = fitPca(fit, d, count);
        return { reconstruct: async (x) => project(pca, x) };
      },
    });
  }
  for (const [shape, of] of grouped(all, (i) => `${saes[i]!.d_sae} ${ks[i]}`)) {
    const { d_sae } = saes[of[0]!]!;
    if (d_sae * d > UNTRAINED_LIMIT) {
      const reason = `an untrained SAE of ${d_sae} latents × ${d} is above the limit of ${UNTRAINED_LIMIT} weights`;
      leftOut.push({ control: 'untrained', reason });
      continue;
    }
    const k = ks[of[0]!]!;
    const key = `${options.seed} ${layer} ${shape}`;
    controls.push({
      name: 'untrained',
      of,
      k,
      follows: key,
      async open() {
        const sae = await untrained(d_sae, k, fit, d, key, options);
        return {
          reconstruct: async (x, tokens) => (await sae.reconstruct(x, tokens)).reconstruction,
          close: () => sae.close(),
        };
      },
    });
  }
  for (const [i, sae] of saes.entries()) {
    const order = Int32Array.from({ length: sae.d_sae }, (_, latent) => latent);
    shuffle(order, random('permuted decoder', options.seed, layer, i));
    controls.push({
      name: 'permuted_decoder',
      of: [i],
      k: ks[i]!,
      follows: null,
      open: async () => ({
        async reconstruct(x, tokens) {
          const latents = await sae.encode(x, tokens);
          const indices = latents.indices.map((latent) => order[latent]!);
          return sae.decode({ ...latents, indices }, tokens, x);
        },
      }),
    });
  }
  return controls;
}

/** The SAE's L0, as a whole number: its k, or the mean over some tokens. */
async function activeLatents(sae: OpenSae, fit: Float32Array, d: number): Promise<number> {
  if (sae.k !== null) return sae.k;
  const tokens = Math.min(L0_TOKENS, fit.length / d);
  const { values } = await sae.encode(fit.subarray(0, tokens * d), tokens);
  let active = 0;
  for (const value of values) if (value !== 0) active++;
  return Math.max(1, Math.min(sae.d_sae, Math.round(active / tokens)));
}

async function untrained(
  d_sae: number,
  k: number,
  fit: Float32Array,
  d: number,
  key: string,
  { device, threads }: ControlOptions,
): Promise<OpenSae> {
  const stream = random('untrained', key);
  const W_dec = new Float32Array(d_sae * d);
  const W_enc = new Float32Array(d_sae * d);
  const row = new Float64Array(d);
  for (let latent = 0; latent < d_sae; latent++) {
    let squared = 0;
    for (let i = 0; i < d; i++) {
      row[i] = stream.gaussian();
      squared += row[i]! ** 2;
    }
    const norm = Math.sqrt(squared);
    for (let i = 0; i < d; i++) {
      W_dec[latent * d + i] = row[i]! / norm;
      W_enc[i * d_sae + latent] = row[i]! / norm;
    }
  }
  const b_dec = new Float32Array(d);
  const mean = new Float64Array(d);
  for (let at = 0; at < fit.length; at++) mean[at % d]! += (fit[at]! * d) / fit.length;
  b_dec.set(mean);
  const sae = topKSae({ d_in: d, d_sae, k, W_enc, W_dec, b_enc: new Float32Array(d_sae), b_dec });
  return openSae(sae, {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
}

function grouped(items: readonly number[], key: (item: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  const whole = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function rowSums(nll: Float32Array, batch: TokenBatch): number[] {
  return Array.from({ length: batch.rows }, (_, row) => {
    let sum = 0;
    const from = row * batch.tokens;
    for (let i = from; i < from + lossCount(batch, row); i++) sum += nll[i]!;
    return sum;
  });
}
