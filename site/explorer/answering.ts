/** Questions about how far a ranking holds (stability.ts), answered by a worker that keeps what it was told. */
import type { Columns, ModelDraws } from '../lib/columns.ts';
import { composites, type Weights } from './composite.ts';
import { drawnComposites, firstByWeights, type Resampled, resampled } from './stability.ts';

export interface Question {
  /** With the first question. */
  columns?: Columns;
  /** Those since the last question. */
  files: ModelDraws[];
  /** Null asks for the shares over random weights. */
  weights: Weights | null;
}

export type Answer = { resampled: Resampled } | { firstByWeights: (number | null)[] };

export function answering(): (question: Question) => Answer {
  let columns: Columns | undefined;
  const files: ModelDraws[] = [];
  return (question) => {
    columns ??= question.columns;
    if (columns === undefined) throw new Error('asked before there were columns');
    files.push(...question.files);
    const { weights } = question;
    return weights === null
      ? { firstByWeights: firstByWeights(columns) }
      : { resampled: resampled(columns, composites(columns, weights), drawnComposites(files, weights)) };
  };
}
