/** Where a checkpoint's tensors lie, and where its files are read from: a folder, or a repository of the hub. */
import type { NumberType } from '../formats/number-types.ts';
import type { FileSource } from '../io/byte-source.ts';

/** Where one tensor lies inside the checkpoint's folder. */
export interface TensorPlace {
  /** Relative to `Checkpoint.weightsFolder`, with / between folders. */
  file: string;
  dtype: NumberType;
  shape: readonly number[];
  start: number;
  end: number;
}

/** Rows `from` to `from + size` of a tensor, which lie in one piece. */
export function cutRows<Place extends Omit<TensorPlace, 'dtype'>>(
  place: Place,
  { from, size }: { from: number; size: number },
): Place {
  const [rows = 1, ...rest] = place.shape;
  const bytes = (place.end - place.start) / rows;
  return {
    ...place,
    shape: [size, ...rest],
    start: place.start + from * bytes,
    end: place.start + (from + size) * bytes,
  };
}

/** Where a checkpoint's files are read from. */
export interface CheckpointFiles {
  /** The folder or the repository, for errors. */
  name: string;
  /** Null where there is no such file. */
  open(file: string): Promise<FileSource | null>;
  /** Names of the files that are there. */
  list(): Promise<readonly string[]>;
}
