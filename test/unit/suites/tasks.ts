/** Probe tasks whose answer is known. */
import { random } from '../../../runner/math/random.ts';
import type { DenseFeatures } from '../../../runner/probes/features.ts';
import type { ProbeTask } from '../../../runner/suites/interpscore/probe-task.ts';

export interface TaskOptions {
  rows?: number;
  columns?: number;
  /** How far the positives stand from the negatives along the first `carriers` latents. */
  shift?: number;
  carriers?: number;
  key?: string;
}

export function probeTask({
  rows = 300,
  columns = 400,
  shift = 1,
  carriers = 2,
  key = 'task',
}: TaskOptions = {}): ProbeTask & { features: DenseFeatures } {
  const stream = random('probe task', key);
  const labels = Uint8Array.from({ length: rows }, () => stream.integer(2));
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) {
      const carries = j < carriers;
      if (!carries && stream.next() > 0.1) continue;
      values[row * columns + j] = stream.next() + (carries ? shift * labels[row]! : 0);
    }
  }
  return {
    task: key,
    data: 'simulated',
    features: { values, rows, columns },
    labels,
    texts: Array.from({ length: rows }, (_, row) => `text ${row}`),
  };
}
