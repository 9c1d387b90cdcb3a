/**
 * The parts of a step that onnxruntime does, on the memory that the threads share. For their product in float32 the
 * activations and W_enc are copied (1 to 2 % of it): the copies have one column more, 1 beside the activations and b_enc
 * beside W_enc. As an addend of the product the bias would be written to all of the result first, a tenth of the product's time.
 */
import type { Program } from '../../../onnx/graph.ts';
import {
  discard,
  float32,
  floatsOf,
  type HostTensor,
  int32,
  openSession,
  type Session,
} from '../../../onnx/session.ts';
import type { SharedSessions } from '../shared-sessions.ts';
import type { Layout } from './layout.ts';
import type { Phase } from './phases.ts';
import { auxiliaryProgram, encoderProgram, preActivationProgram } from './programs.ts';
import { copyRows } from './sae-memory.ts';

/** The parts of an SAE's shared memory that are copied from and to. */
export interface Views {
  centred: Float32Array;
  error: Float32Array;
  W_enc: Float32Array;
  W_dec: Float32Array;
  b_enc: Float32Array;
  decoderGradient: Float32Array;
  encoderGradient: Float32Array;
  biasGradient: Float32Array;
  auxiliary: Uint8Array;
}

/** Whether the encoder's product is screened in int8: where it pays, or also where it costs more than it saves. */
export type Screened = 'where-it-pays' | 'always' | 'never';

/** Parts of a step: phases of the threads, products of onnxruntime, and what one thread does alone between them. */
export type Part =
  | Phase
  | 'int8 product'
  | 'float32 product'
  | 'AuxK encoder'
  | 'AuxK gradients'
  | 'order'
  | 'alone';

/** What SAEs of one backend share. */
export interface Runtime {
  sessions: SharedSessions<Session>;
  /** Of one operator. */
  threads: number;
  screened: Screened;
  /** Told of each part of a step as it ends, for benchmarks; of `choose` once more, with how many latents were computed again. */
  mark: (part: Part, computed?: number) => void;
}

export class DenseParts {
  readonly #layout: Layout;
  readonly #views: Views;
  readonly #runtime: Runtime;
  /** Latents that the encoder's product is asked for. */
  readonly #found: number;
  /** Made when the product over all latents is needed. */
  #centred: Float32Array | undefined;
  readonly #keys: Record<'encoder' | 'auxiliary' | 'preActivations', string>;
  /** Made when the product over all latents is needed, and again after a step has changed the encoder. */
  #W_enc: Float32Array | undefined;
  #stale = true;
  #encoder: Session | undefined;
  #auxiliary: Session | undefined;
  #preActivations: Session | undefined;

  constructor(layout: Layout, views: Views, runtime: Runtime) {
    const { tokens, latents, width } = layout;
    this.#found = layout.screen?.offered ?? layout.k;
    this.#layout = layout;
    this.#views = views;
    this.#runtime = runtime;
    this.#keys = {
      encoder: `encoder ${[tokens, latents, width, this.#found]}`,
      auxiliary: `auxiliary ${[tokens, latents, width]}`,
      preActivations: `pre-activations ${[tokens, latents, width]}`,
    };
  }

  /** @throws UnavailableError when onnxruntime cannot take the encoder */
  async open(): Promise<void> {
    this.#encoder ??= await this.#take(this.#keys.encoder, (layout) => encoderProgram(layout, this.#found));
  }

  #take(key: string, program: (layout: Layout) => Program): Promise<Session> {
    const { sessions, threads } = this.#runtime;
    return sessions.take(key, () => openSession(program(this.#layout), { threads }));
  }

  /** To be called after a step has changed the encoder. */
  refresh(): void {
    this.#stale = true;
  }

  /**
   * From `centred` the largest pre-activations of each token and their latents.
   *
   * @param at, pre [tokens, found], written
   */
  async encode(at: Int32Array, pre: Float32Array): Promise<void> {
    const { latents, width } = this.#layout;
    await this.open();
    const feeds = { centred: this.#tokens(), W_enc: float32(this.#encoderRows(), [latents, width + 1]) };
    const shape = [this.#layout.tokens, this.#found];
    this.#runtime.mark('alone');
    await this.#encoder!.run(feeds, undefined, { at: int32(at, shape), pre: float32(pre, shape) });
    this.#runtime.mark('float32 product');
  }

  /** The pre-activations of the latents `dead` [tokens, dead]. */
  async preActivations(dead: Int32Array): Promise<Float32Array> {
    if (dead.length === 0) return new Float32Array(0);
    const { tokens, latents, width } = this.#layout;
    const { centred, W_enc, b_enc } = this.#views;
    this.#preActivations ??= await this.#take(this.#keys.preActivations, preActivationProgram);
    const feeds = {
      centred: float32(centred, [tokens, width]),
      W_enc: float32(W_enc, [latents, width]),
      b_enc: float32(b_enc, [latents, 1]),
      dead: int32(dead, [dead.length]),
    };
    this.#runtime.mark('alone');
    const pre = floatsOf(await this.#preActivations.run(feeds), 'pre');
    this.#runtime.mark('AuxK encoder');
    return pre;
  }

  #tokens(): HostTensor {
    const { tokens, width } = this.#layout;
    this.#centred ??= new Float32Array(tokens * (width + 1)).fill(1);
    copyRows(this.#views.centred, width, this.#centred, width + 1, tokens);
    return float32(this.#centred, [tokens, width + 1]);
  }

  #encoderRows(): Float32Array {
    const { latents, width } = this.#layout;
    this.#W_enc ??= new Float32Array(latents * (width + 1));
    if (this.#stale) {
      copyRows(this.#views.W_enc, width, this.#W_enc, width + 1, latents);
      copyRows(this.#views.b_enc, 1, this.#W_enc.subarray(width), width + 1, latents);
      this.#stale = false;
    }
    return this.#W_enc;
  }

  /**
   * AuxK: the gradient rows of the latents `dead` are put into place and marked.
   *
   * @param z [tokens, deadWidth], what is kept of them; deadWidth may be larger than their number, padded with columns of 0
   * @param slope what z·W_dec − (x − x̂) is multiplied by
   * @returns Σ over tokens of ‖z·W_dec − (x − x̂)‖²
   */
  async auxiliary(dead: Int32Array, z: Float32Array, slope: number): Promise<number> {
    const { tokens, latents, width } = this.#layout;
    const views = this.#views;
    const deadWidth = z.length / tokens;
    this.#auxiliary ??= await this.#take(this.#keys.auxiliary, auxiliaryProgram);
    // The columns of z that pad it are 0, so it does not matter which latent they name.
    const rows = new Int32Array(deadWidth);
    rows.set(dead);
    const feeds = {
      z: float32(z, [tokens, deadWidth]),
      W_dec: float32(views.W_dec, [latents, width]),
      dead: int32(rows, [deadWidth]),
      centred: float32(views.centred, [tokens, width]),
      error: float32(views.error, [tokens, width]),
      slope: float32(Float32Array.of(slope), []),
    };
    this.#runtime.mark('alone');
    const outputs = await this.#auxiliary.run(feeds);
    this.#runtime.mark('AuxK gradients');
    const encoder = floatsOf(outputs, 'gradient_encoder');
    const decoder = floatsOf(outputs, 'gradient_W_dec');
    for (const [i, j] of dead.entries()) {
      const bias = (i + 1) * (width + 1) - 1;
      views.encoderGradient.set(encoder.subarray(bias - width, bias), j * width);
      views.biasGradient[j] = encoder[bias]!;
      views.decoderGradient.set(decoder.subarray(i * width, (i + 1) * width), j * width);
      views.auxiliary[j] = 1;
    }
    discard(encoder);
    discard(decoder);
    return floatsOf(outputs, 'squares').reduce((sum, value) => sum + value, 0);
  }

  async close(): Promise<void> {
    const { sessions } = this.#runtime;
    if (this.#encoder !== undefined) await sessions.give(this.#keys.encoder);
    if (this.#auxiliary !== undefined) await sessions.give(this.#keys.auxiliary);
    if (this.#preActivations !== undefined) await sessions.give(this.#keys.preActivations);
    this.#encoder = undefined;
    this.#auxiliary = undefined;
    this.#preActivations = undefined;
  }
}
