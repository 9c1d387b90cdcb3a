/**
 * The parts of a step that onnxruntime does. It refuses shared memory, so what it reads is copied into arrays of its
 * own: the activations and W_enc for their product (1 to 2 % of it), AuxK's rows while it is active. The
 * copies have one column more, 1 beside the activations and b_enc beside W_enc: as an addend of the product the bias
 * would be written to all of the result first, a tenth of the product's time.
 */
import type { Program } from '../../../onnx/graph.ts';
import {
  discard,
  float32,
  floatsOf,
  type HostTensor,
  int32sOf,
  openSession,
  type Session,
} from '../../../onnx/session.ts';
import type { SharedSessions } from '../shared-sessions.ts';
import type { Layout } from './layout.ts';
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

/** What SAEs of one backend share. */
export interface Runtime {
  sessions: SharedSessions<Session>;
  /** Of one operator. */
  threads: number;
  screened: Screened;
}

export class DenseParts {
  readonly #layout: Layout;
  readonly #views: Views;
  readonly #runtime: Runtime;
  /** Latents that the encoder's product is asked for. */
  readonly #found: number;
  readonly #centred: Float32Array;
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
    this.#centred = new Float32Array(tokens * (width + 1)).fill(1);
    this.#keys = {
      encoder: `encoder ${[tokens, latents, width, this.#found]}`,
      auxiliary: `auxiliary ${[tokens, width]}`,
      preActivations: `pre-activations ${[tokens, width]}`,
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
    const outputs = await this.#encoder!.run({
      centred: this.#tokens(),
      W_enc: float32(this.#encoderRows(), [latents, width + 1]),
    });
    const [latentsFound, found] = [int32sOf(outputs, 'at'), floatsOf(outputs, 'pre')];
    at.set(latentsFound);
    pre.set(found);
    discard(latentsFound);
    discard(found);
  }

  /** The pre-activations of the latents `dead` [tokens, dead]. */
  async preActivations(dead: Int32Array): Promise<Float32Array> {
    if (dead.length === 0) return new Float32Array(0);
    const { width } = this.#layout;
    const { W_enc, b_enc } = this.#views;
    this.#preActivations ??= await this.#take(this.#keys.preActivations, preActivationProgram);
    const rows = new Float32Array(dead.length * (width + 1));
    dead.forEach((j, i) => {
      rows.set(W_enc.subarray(j * width, (j + 1) * width), i * (width + 1));
      rows[(i + 1) * (width + 1) - 1] = b_enc[j]!;
    });
    const feeds = { centred: this.#tokens(), W_enc: float32(rows, [dead.length, width + 1]) };
    return floatsOf(await this.#preActivations.run(feeds), 'pre');
  }

  #tokens(): HostTensor {
    const { tokens, width } = this.#layout;
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
   * @param z [tokens, deadWidth], what is kept of them; deadWidth may be larger than their number
   * @param slope what z·W_dec − (x − x̂) is multiplied by
   * @returns Σ over tokens of ‖z·W_dec − (x − x̂)‖²
   */
  async auxiliary(dead: Int32Array, z: Float32Array, slope: number): Promise<number> {
    const { tokens, width } = this.#layout;
    const views = this.#views;
    const deadWidth = z.length / tokens;
    this.#auxiliary ??= await this.#take(this.#keys.auxiliary, auxiliaryProgram);
    const rows = new Float32Array(deadWidth * width);
    dead.forEach((j, i) => {
      rows.set(views.W_dec.subarray(j * width, (j + 1) * width), i * width);
    });
    const outputs = await this.#auxiliary.run({
      z: float32(z, [tokens, deadWidth]),
      W_dec: float32(rows, [deadWidth, width]),
      centred: float32(this.#centred, [tokens, width + 1]),
      error: float32(views.error.slice(), [tokens, width]),
      slope: float32(Float32Array.of(slope), []),
    });
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
