/** The formats that are read: a new one is its file here, and a line of this list. */
import type { SaeAdapter } from './adapter.ts';
import { attentionSaes } from './attention-saes.ts';
import { circuitTracer } from './circuit-tracer.ts';
import { crossLayer } from './cross-layer.ts';
import { hubCrosscoder, trainedCrosscoder } from './crosscoder-dictionary-learning.ts';
import { crosscoderReplication } from './crosscoder-replication.ts';
import { dictionaryLearning } from './dictionary-learning.ts';
import { gemmaScope } from './gemma-scope.ts';
import { gemmaScope2 } from './gemma-scope-2.ts';
import { goodfire } from './goodfire.ts';
import { llamaScope } from './llama-scope.ts';
import { llamaScopeR1 } from './llama-scope-r1.ts';
import { openAi } from './openai.ts';
import { qwenScope } from './qwen-scope.ts';
import { referenceRelease } from './reference-release.ts';
import { saeLens } from './sae-lens.ts';
import { sparsify } from './sparsify.ts';
import { temporal } from './temporal.ts';

export const adapters: readonly SaeAdapter[] = [
  saeLens,
  sparsify,
  temporal,
  attentionSaes,
  circuitTracer,
  crossLayer,
  crosscoderReplication,
  dictionaryLearning,
  gemmaScope,
  gemmaScope2,
  goodfire,
  llamaScope,
  llamaScopeR1,
  openAi,
  qwenScope,
  referenceRelease,
  hubCrosscoder,
  trainedCrosscoder,
];

/** The adapter that reads what a loader of SAELens' registry does; undefined where none does. */
export function adapterOfLoader(loader: string): SaeAdapter | undefined {
  return adapters.find(({ loaders }) => loaders.includes(loader));
}
