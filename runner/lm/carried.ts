/** What travels between two segments, left where the first of them computed it. */
import { joined } from '../math/joined.ts';
import { rememberCopy } from '../onnx/copies.ts';
import { floatsOf, type HeldTensor } from '../onnx/session.ts';

/** Outputs of a segment in the order in which they stand in one array (cut.ts), and the inputs that the next one takes them as. */
const passed = { value_after: 'value', residual_after: 'residual' } as const;

export const carriedOutputs = Object.keys(passed);

export class Carried {
  readonly #held: Readonly<Record<string, HeldTensor>>;
  #taken: HeldTensor | null = null;

  /** @param held outputs of a segment, by their names; its own from now on */
  constructor(held: Readonly<Record<string, HeldTensor>>) {
    this.#held = held;
  }

  /** What the next segment is given. */
  feeds(): Record<string, HeldTensor> {
    return Object.fromEntries(
      Object.entries(passed).flatMap(([output, input]) =>
        output in this.#held ? [[input, this.#held[output]!]] : [],
      ),
    );
  }

  /**
   * The numbers, in the order of cut.ts, in an array of the host's that is not to be changed: programs that are given it on the same
   * device read what lies there, until this is disposed of.
   */
  async read(): Promise<Float32Array> {
    const tensors = carriedOutputs.flatMap((output) => this.#held[output] ?? []);
    const parts: Float32Array[] = [];
    for (const tensor of tensors) parts.push(floatsOf({ x: await tensor.read() }, 'x'));
    const whole = parts.length === 1 ? parts[0]! : joined(parts);
    let at = 0;
    for (const [i, tensor] of tensors.entries()) {
      rememberCopy(whole.subarray(at, at + parts[i]!.length), tensor);
      at += parts[i]!.length;
    }
    return whole;
  }

  /** The hook's own tensor (cut.ts), which is the caller's to dispose of from now on. */
  takeValue(): HeldTensor {
    this.#taken = this.#held[carriedOutputs.find((name) => name in this.#held)!]!;
    return this.#taken;
  }

  /** A second time does nothing. */
  dispose(): void {
    for (const tensor of Object.values(this.#held)) if (tensor !== this.#taken) tensor.dispose();
  }
}
