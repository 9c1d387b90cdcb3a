import { join } from 'node:path';
import { parseBytes } from '../io/bytes.ts';
import { projectRoot } from './paths.ts';

/** Three layers of the demo keep 220 MB; what does not fit is computed again. */
const DEFAULT_LIMIT = 4 * 2 ** 30;

/**
 * Where evaluations keep what does not depend on an SAE, and training its activations; null for `off`.
 *
 * @throws UserError when the limit is not a size
 */
export function evaluationCache(
  limit: string | undefined,
): { folder: string; activations: string; limit: number } | null {
  if (limit === 'off') return null;
  const own = process.env.INTERPBOARD_CACHE;
  return {
    folder: own ?? join(projectRoot, '.cache', 'evaluation'),
    activations: join(own ?? join(projectRoot, '.cache'), 'activations'),
    limit: limit === undefined ? DEFAULT_LIMIT : parseBytes('--cache', limit),
  };
}
