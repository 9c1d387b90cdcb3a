/** The k largest of a list, with ties settled in one documented way. */

export interface TopK {
  /** Positions in `values`, largest value first. */
  indices: Int32Array;
  values: Float32Array;
}

/**
 * The k largest values, largest first. Of equal values the one with the lowest index is taken and stands first
 * (ONNX TopK promises the same; torch.topk promises nothing). +0 and −0 are equal. O(n + m log k), m the number of
 * values that enter the running top k. Throws RangeError for a NaN or for k outside 0..n.
 */
export function topK(values: Float32Array, k: number): TopK {
  if (!Number.isInteger(k) || k < 0 || k > values.length) {
    throw new RangeError(`topK: k = ${k}, expected an integer in 0..${values.length}`);
  }
  // A heap of indices whose root is the worst kept one: the smallest value, of equal values the highest index.
  const heap = new Int32Array(k);

  function worse(a: number, b: number): boolean {
    const x = values[a]!;
    const y = values[b]!;
    return x < y || (x === y && a > b);
  }

  function sink(from: number, size: number): void {
    const moved = heap[from]!;
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && worse(heap[child + 1]!, heap[child]!)) child++;
      if (!worse(heap[child]!, moved)) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = moved;
  }

  for (let i = 0; i < k; i++) heap[i] = i;
  for (let i = (k >> 1) - 1; i >= 0; i--) sink(i, k);

  // A value may only displace the root when strictly larger: an equal one has a higher index and loses the tie.
  let threshold = k > 0 ? values[heap[0]!]! : Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) throw new RangeError(`topK: NaN at index ${i}`);
    if (i < k || !(value > threshold)) continue;
    heap[0] = i;
    sink(0, k);
    threshold = values[heap[0]!]!;
  }

  const indices = new Int32Array(k);
  const kept = new Float32Array(k);
  for (let size = k; size > 0; size--) {
    const worst = heap[0]!;
    indices[size - 1] = worst;
    kept[size - 1] = values[worst]!;
    heap[0] = heap[size - 1]!;
    sink(0, size - 1);
  }
  return { indices, values: kept };
}
