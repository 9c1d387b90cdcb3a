/**
 * The Hessian of a logistic loss times vectors, in float32: what Newton's method asks for most often, and where rounding
 * costs an iteration at most, because its steps are judged by the gradient in float64.
 */
import { openWorkspace, type Workspace } from '../simd/kernels.ts';
import type { Design } from './design-matrix.ts';

export interface Curvature {
  /** Sets the curvature of each row's loss. Gives the Hessian's diagonal, the intercept's entry last. */
  at(curvature: Float64Array): Float64Array;
  /** out = the Hessian times v, the intercept's entry last in both. */
  times(v: Float64Array, out: Float64Array): void;
}

/** What the kernels take at a time. */
const FLOATS = 8;
const ROWS = 4;

/** One per thread: its memory is as large as the largest design was, and is not given back. */
let workspace: Workspace | undefined;

/** Serves until another is opened. */
export function openCurvature(design: Design): Curvature {
  workspace ??= openWorkspace();
  const { curvature, squaredColumns } = workspace;
  const { columns } = design;
  const rows = ROWS * Math.ceil(design.rows / ROWS);
  const stride = FLOATS * Math.ceil(columns / FLOATS);
  const bytes = 4 * stride;
  const { buffer, places } = workspace.layOut(rows * bytes, bytes, bytes, 4 * rows);
  const [matrix, vector, image, losses] = places;
  const floats = (place: number, length: number) => new Float32Array(buffer, place, length);
  design.copy(floats(matrix, rows * stride).fill(0), stride);
  const given = floats(vector, stride).fill(0);
  const ofLosses = floats(losses, rows).fill(0);
  const found = floats(image, columns);
  return {
    at(ofRows) {
      ofLosses.set(ofRows);
      squaredColumns(matrix, rows, bytes, losses, image);
      const diagonal = new Float64Array(columns + 1);
      diagonal.set(found);
      diagonal[columns] = ofRows.reduce((sum, each) => sum + each, 0);
      return diagonal;
    },
    times(v, out) {
      given.set(v.subarray(0, columns));
      out[columns] = curvature(matrix, rows, bytes, vector, v[columns]!, losses, image);
      out.set(found);
    },
  };
}
