/** Short labels of the record kinds; what each means is said by the schema's own `kinds`. Free of zod: islands use it. */
import type { EvaluationRecord, Kind } from '../../runner/report/schema.ts';

export const kindLabels: Readonly<Record<Kind, string>> = {
  measured: 'Measured',
  imported: 'Imported',
  published: 'Published',
  demo: 'Demo',
  external: 'External',
};

/** As papers write them. */
export const architectureNames: Readonly<Record<EvaluationRecord['sae']['architecture'], string>> = {
  topk: 'TopK',
  batchtopk: 'BatchTopK',
  relu: 'ReLU',
  jumprelu: 'JumpReLU',
  gated: 'Gated',
  matryoshka: 'Matryoshka',
  groupmax: 'GroupMax',
  matching_pursuit: 'Matching pursuit',
};
