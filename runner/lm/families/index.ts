import { quote, UserError } from '../../errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Family } from './family.ts';
import { qwen3 } from './qwen3.ts';

const families: Readonly<Record<string, (checkpoint: Checkpoint) => Family>> = { qwen3 };

/**
 * The family of a checkpoint, chosen by its `model_type`.
 *
 * @throws UserError when the type is not one of those known
 */
export function familyOf(checkpoint: Checkpoint): Family {
  const type = checkpoint.config.model_type;
  const make = typeof type === 'string' && Object.hasOwn(families, type) ? families[type] : undefined;
  if (make === undefined) {
    throw new UserError({
      thing: `${checkpoint.folder}/config.json, model_type`,
      found: typeof type === 'string' ? quote(type) : 'none',
      expected: `one of ${Object.keys(families).join(', ')}`,
      next: 'Use a checkpoint of one of these families.',
    });
  }
  return make(checkpoint);
}
