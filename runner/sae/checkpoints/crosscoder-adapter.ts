import { UserError } from '../../errors.ts';
import type { SaeAdapter } from './adapter.ts';
import { checkTaken } from './taken-options.ts';

/** An adapter of crosscoders: found, read by `crosscoder`, and refused where an SAE of one hook is wanted. */
export function crosscoderAdapter(
  adapter: Omit<SaeAdapter, 'open' | 'loaders' | 'crosscoder'> & Required<Pick<SaeAdapter, 'crosscoder'>>,
): SaeAdapter {
  return {
    ...adapter,
    loaders: [],
    async crosscoder(path, options) {
      checkTaken(path, adapter, options, ['layer', 'hook', 'hooks']);
      return adapter.crosscoder(path, options);
    },
    async open(path) {
      throw new UserError({
        thing: path,
        found: 'a crosscoder, whose latents read and write the activations of several models or layers',
        expected: 'an SAE or a transcoder of one hook',
        next: 'Evaluate it with npx interpboard eval --sae.',
      });
    },
  };
}
