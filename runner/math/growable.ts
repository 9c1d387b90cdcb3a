/** A Float64Array that grows: streams are appended to it, the result is read once at the end. */
export interface Growable {
  push(value: number): void;
  /** Appends all values. */
  append(values: ArrayLike<number>): void;
  readonly length: number;
  /** A copy of what was appended so far. */
  toArray(): Float64Array;
}

export function growable(): Growable {
  let buffer = new Float64Array(64);
  let length = 0;

  function reserve(extra: number): void {
    if (length + extra <= buffer.length) return;
    const larger = new Float64Array(Math.max(2 * buffer.length, length + extra));
    larger.set(buffer.subarray(0, length));
    buffer = larger;
  }

  return {
    push(value) {
      reserve(1);
      buffer[length++] = value;
    },
    append(values) {
      reserve(values.length);
      buffer.set(values, length);
      length += values.length;
    },
    get length() {
      return length;
    },
    toArray() {
      return buffer.slice(0, length);
    },
  };
}
