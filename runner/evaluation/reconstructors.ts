/** How the controls of a hook reconstruct: what each is stands in control-pass.ts. */

import type { HookBatch } from '../lm/observer.ts';
import { type Random, random, shuffle } from '../math/random.ts';
import type { Device } from '../onnx/devices.ts';
import type { ReconstructionControl } from '../report/schema.ts';
import { type OpenSae, openSae } from '../sae/open-sae.ts';
import type { Latents, Sae } from '../sae/sae.ts';
import type { HookSaes } from './observation.ts';
import { fitPca, project } from './pca.ts';
import { meanResidual, untrainedDirections, untrainedSae, untrainedTranscoder } from './untrained.ts';

/** Tokens the L0 of an SAE without a fixed one is taken over. */
const L0_TOKENS = 1_024;
/** Floats of an untrained SAE's encoder (256 MiB); above it the control is left out, with the reason. */
export const UNTRAINED_LIMIT = 64 << 20;

/**
 * Name of the rule by which controls are drawn, in records: an untrained SAE's weights by seed and hook, a permutation
 * by seed and the SAE's content hash. Records without it drew them by shape and by the SAE's place at its hook.
 */
export const CONTROL_STREAMS = 'hash-v1';

export interface Control {
  name: ReconstructionControl;
  /** Numbers of the SAEs at the hook that it is a control of. */
  of: readonly number[];
  /** Components, or active latents per token. */
  k: number | null;
}

/** A control that could not be made. */
export interface LeftOutControl {
  control: ReconstructionControl;
  /** Numbers of the SAEs at the hook that it would have been a control of. */
  of: readonly number[];
  reason: string;
}

export interface MakingOptions {
  seed: number;
  /** For each hook the content hash of each SAE: what is drawn for one of them follows from it, not from its siblings. */
  hashes: readonly (readonly string[])[];
  /** Most weights of an untrained SAE's encoder; default UNTRAINED_LIMIT. */
  untrainedLimit?: number;
  device?: Device;
  threads?: number;
}

/** Activations of tokens at a place: what is reconstructed [tokens, d], and what is read [tokens, d_in], of SAEs the same. */
export type SeenActivations = Pick<HookBatch, 'residual' | 'input'>;

/** A control as it runs over batches of residuals. */
export interface RunningControl {
  /** How many it has, where they are counted: an untrained SAE's. */
  latents: number | null;
  /** Of the SAE that it asks; none where the host computes it. */
  device?: Device;
  /** @param sequence tokens of each row of the batch */
  reconstruct(seen: SeenActivations, tokens: number, sequence: number): Promise<ControlOutput>;
}

export interface ControlOutput {
  reconstruction: Float32Array;
  /** Of the controls whose latents are counted. */
  latents?: Latents;
}

export interface Reconstructor extends Control {
  /** What it follows from besides model, text and hook; null where an SAE decides it, so that it is not kept. */
  follows: string | null;
  open(): Promise<RunningControl>;
  /** Of a control that is an SAE itself, so that suites can score it as one. */
  asSae?: ControlSae;
}

export interface ControlSae {
  /** Opened by the first call. */
  open(): Promise<OpenSae>;
  /** Rows of its decoder, [d_sae, d]. */
  directions(): Float32Array;
  close(): Promise<void>;
}

/**
 * The controls of the SAEs at one hook; those that serve several SAEs alike are made once.
 *
 * @param before gives activations to fit on, none of them of the controlled rows
 * @param leftOut takes what cannot be made, with the reason
 * @param options with the hashes of the SAEs of this hook
 */
export async function controlsOf(
  at: HookSaes,
  before: () => SeenActivations,
  leftOut: LeftOutControl[],
  options: Omit<MakingOptions, 'hashes'> & { hashes: readonly string[] },
): Promise<Reconstructor[]> {
  const { untrainedLimit = UNTRAINED_LIMIT } = options;
  const { saes, d } = at;
  const all = saes.map((_, i) => i);
  const controls: Reconstructor[] = [
    {
      name: 'identity',
      of: all,
      k: null,
      follows: '',
      open: async () => ({
        latents: null,
        reconstruct: async ({ residual: x }) => ({ reconstruction: x.slice() }),
      }),
    },
  ];
  const ks: number[] = [];
  for (const sae of saes) ks.push(await activeLatents(sae, () => before().input));
  for (const k of new Set(ks)) {
    const count = Math.min(k, d);
    const of = all.filter((i) => ks[i] === k);
    controls.push({
      name: 'pca',
      of,
      k: count,
      follows: `${count}`,
      async open() {
        const pca = fitPca(before().residual, d, count);
        return {
          latents: null,
          reconstruct: async ({ residual: x }) => ({ reconstruction: project(pca, x) }),
        };
      },
    });
  }
  for (const [shape, of] of grouped(all, (i) => `${saes[i]!.d_sae} ${ks[i]}`)) {
    const { d_sae } = saes[of[0]!]!;
    if (d_sae * d > untrainedLimit) {
      const [latents, limit] = [d_sae, untrainedLimit].map((count) => count.toLocaleString('en-US'));
      const reason = `an untrained SAE of ${latents} latents × ${d} is above the limit of ${limit} weights`;
      leftOut.push({ control: 'untrained', of, reason });
      continue;
    }
    const k = ks[of[0]!]!;
    const stream = (): Random => random('untrained', options.seed, at.layer, at.site);
    const { residual, input } = before();
    const mean = meanResidual(residual, d);
    const made = (): Sae => {
      if (at.reads === undefined) return untrainedSae({ d_sae, k, d }, mean, stream());
      const { d_in } = saes[of[0]!]!;
      return untrainedTranscoder(
        { d_sae, k, d_in, d_out: d },
        { input: meanResidual(input, d_in), mean },
        stream(),
      );
    };
    let opened: Promise<OpenSae> | undefined;
    const asSae: ControlSae = {
      open: () => (opened ??= openSae(made(), sessionOf(options))),
      directions: () => untrainedDirections(d_sae, d, stream()),
      close: async () => (await opened)?.close(),
    };
    controls.push({
      name: 'untrained',
      of,
      k,
      follows: `${options.seed} ${shape}`,
      asSae,
      async open() {
        const sae = await asSae.open();
        return {
          latents: d_sae,
          device: sae.device,
          async reconstruct({ input }, tokens) {
            const { reconstruction, ...latents } = await sae.reconstruct(input, tokens);
            return { reconstruction, latents };
          },
        };
      },
    });
  }
  for (const [i, sae] of saes.entries()) {
    const order = Int32Array.from({ length: sae.d_sae }, (_, latent) => latent);
    shuffle(order, random('permuted decoder', options.seed, options.hashes[i]!));
    controls.push({
      name: 'permuted_decoder',
      of: [i],
      k: ks[i]!,
      follows: null,
      open: async () => ({
        latents: null,
        device: sae.device,
        async reconstruct({ input }, tokens, sequence) {
          const latents = await sae.encode(input, tokens, sequence);
          const indices = latents.indices.map((latent) => order[latent]!);
          return { reconstruction: await sae.decode({ ...latents, indices }, tokens, input, sequence) };
        },
      }),
    });
  }
  return controls;
}

/**
 * The SAE's L0, as a whole number: its k, or the mean over some tokens.
 *
 * @param before gives what it reads, [tokens, d_in]
 */
export async function activeLatents(sae: OpenSae, before: () => Float32Array): Promise<number> {
  if (sae.k !== null) return sae.k;
  const x = before();
  const tokens = Math.min(L0_TOKENS, x.length / sae.d_in);
  // As one text, which is near enough for a count.
  const { values } = await sae.encode(x.subarray(0, tokens * sae.d_in), tokens, tokens);
  let active = 0;
  for (const value of values) if (value !== 0) active++;
  return Math.max(1, Math.min(sae.d_sae, Math.round(active / tokens)));
}

function sessionOf({ device, threads }: Pick<MakingOptions, 'device' | 'threads'>) {
  return { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) };
}

function grouped(items: readonly number[], key: (item: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
