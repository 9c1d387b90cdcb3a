/** SAEBench's sparse_probing_sae_probes. */
import type { SaeBenchFormat } from './format.ts';
import { read } from './k-sparse.ts';

export const saeProbes: SaeBenchFormat = {
  types: ['sparse_probing_sae_probes'],
  read: (found) => read(found, 'sae-probes'),
};
