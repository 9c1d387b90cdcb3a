import type { NativeTensor } from './binding/binding.ts';
import type { Device } from './devices.ts';
import type { HostTensor } from './tensors.ts';
import { countPassed } from './traffic.ts';

/**
 * An output that stays where it was computed. It belongs to the session that gave it, and goes with that at the latest; what
 * is asked of it afterwards is an error, and never reaches the runtime.
 */
export class HeldTensor {
  /** Told from a host's tensor by it. */
  readonly type = 'held';
  readonly device: Device;
  readonly #name: string;
  readonly #owner: Set<HeldTensor>;
  readonly #download: (tensor: HeldTensor) => Promise<HostTensor>;
  #native: NativeTensor | null;
  /** Parts of it that runs read now. */
  #lent = 0;

  /**
   * @param owner where the session finds those that it must free
   * @param download reads one that does not lie on the CPU
   */
  constructor(
    name: string,
    native: NativeTensor,
    owner: Set<HeldTensor>,
    download: (tensor: HeldTensor) => Promise<HostTensor>,
  ) {
    this.#name = name;
    this.#native = native;
    this.device = native.device;
    this.#owner = owner;
    this.#download = download;
    owner.add(this);
  }

  /**
   * What the runtime knows it by.
   *
   * @throws TypeError once it has been released
   */
  native(): NativeTensor {
    if (this.#native === null) throw new TypeError(`tensor ${this.#name}: used after its release`);
    return this.#native;
  }

  /** It has what a run wrote to it, or gave in its place. */
  replace(native: NativeTensor): void {
    const before = this.native();
    this.#native = native;
    if (native !== before) before.release();
  }

  get released(): boolean {
    return this.#native === null;
  }

  /**
   * Some of its numbers in another shape, for a run on its device: if the tensor is released meanwhile, its memory stays until `end`.
   * Null where the device or the binding has no such parts.
   */
  lend(from: number, dims: readonly number[]): { native: NativeTensor; end(): void } | null {
    const whole = this.native();
    const part = whole.part?.(from, dims) ?? null;
    if (part === null) return null;
    this.#lent += 1;
    return {
      native: part,
      end: () => {
        part.release();
        this.#lent -= 1;
        if (this.#native === null && this.#lent === 0) whole.release();
      },
    };
  }

  description(): { elements: HostTensor['type']; dims: readonly number[] } {
    const { elements, dims } = this.native();
    return { elements, dims };
  }

  /** Its numbers, in an array of the host's own. */
  async read(): Promise<HostTensor> {
    const native = this.native();
    const found = this.device === 'cpu' ? native.read() : await this.#download(this);
    countPassed('taken', found);
    return found;
  }

  /** Frees its memory. A second time does nothing. */
  dispose(): void {
    const native = this.#native;
    this.#native = null;
    this.#owner.delete(this);
    if (this.#lent === 0) native?.release();
  }
}
