/** What runs over the same text and model keep for one another: activations that training reads, results of evaluation. */
import { availableParallelism } from 'node:os';
import type { CachedResults } from '../../evaluation/observation.ts';
import { openContentCache } from '../../io/content-cache.ts';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import { programHash } from '../../io/program-hash.ts';
import { runtimeVersion } from '../../onnx/session.ts';
import type { Voice } from '../../reporter.ts';
import { isSynthetic } from '../../synthetic/layout.ts';
import type { RunStart } from './messages.ts';

/** Where activations that training reads are kept; undefined where none are. A synthetic model's are as quickly drawn. */
export async function keepingOf(
  { cache, identity, config, model }: Pick<RunStart, 'cache' | 'identity' | 'config' | 'model'>,
  voice: Voice,
) {
  const { gigabytes } = config.training.activations;
  if (gigabytes === 0 || isSynthetic(model.folder)) return undefined;
  if (cache === null) {
    voice.note('activations are not kept: --cache off');
    return undefined;
  }
  if (config.spill !== 'float32') {
    voice.note(`activations are not kept: with spill ${config.spill} they depend on what memory holds`);
    return undefined;
  }
  return {
    folder: cache.activations,
    limit: gigabytes * 1e9,
    program: await programHash(),
    model: identity.model,
  };
}

/** What an earlier evaluation left of this model and text; undefined where nothing is to be cached. */
export async function openCachedResults({
  cache,
  identity,
  config,
  memory,
}: Pick<RunStart, 'cache' | 'identity' | 'config' | 'memory'>): Promise<CachedResults | undefined> {
  if (cache === null) return undefined;
  const { device, precision, spill } = config;
  // The last bits of a result depend on the threads of an operator.
  const threads = config.threads ?? availableParallelism();
  // Which residuals are rounded on their way depends on what memory holds.
  const rounding = spill === 'float32' ? [] : [spill, memory];
  return {
    cache: await openContentCache(cache.folder, cache.limit, await programHash()),
    identity: sha256(
      canonicalJson([identity.model, device, precision, threads, await runtimeVersion(), ...rounding]),
    ),
  };
}
