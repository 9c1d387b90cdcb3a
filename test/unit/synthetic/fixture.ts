/** What sae_lens.synthetic made, and measured: test/fixtures/synthetic. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ActiveFeatures } from '../../../runner/synthetic/samples.ts';

export const fixture = fileURLToPath(new URL('../../fixtures/synthetic/', import.meta.url));

interface Values {
  true_l0: number;
  sae_l0: number;
  dead_latents: number;
  shrinkage: number;
  explained_variance: number;
  mcc: number;
  uniqueness: number;
  classification: { precision: number; recall: number; f1_score: number; accuracy: number };
}

export const expected = JSON.parse(readFileSync(`${fixture}expected.json`, 'utf8')) as {
  means: number[];
  deviations: number[];
  base: number[];
  compensated: number[];
  samples: { starts: number[]; indices: number[]; values: number[] };
  values: Record<'topk' | 'standard', Values>;
  many: { samples: number; fired: number[]; sums: number[]; pairs: number[][] };
};

export const samples: ActiveFeatures = {
  starts: Int32Array.from(expected.samples.starts),
  indices: Int32Array.from(expected.samples.indices),
  values: Float32Array.from(expected.samples.values),
};
