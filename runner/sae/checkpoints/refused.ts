/** Entries of SAELens' registry that no adapter reads, by the loader that they name: an error says what they are, before anything is downloaded. */
import { UserError } from '../../errors.ts';

export interface Refusal {
  found: string;
  next: string;
}

export const refusedLoaders: Readonly<Record<string, Refusal>> = {
  mntss_clt_layer_transcoder: {
    found: 'one layer of a cross-layer transcoder, whose latents write to every later layer too',
    next: 'Evaluate all its layers: npx interpboard eval --sae with the name of its repository.',
  },
};

export function refusedAs(thing: string, { found, next }: Refusal): UserError {
  return new UserError({ thing, found, expected: 'an SAE or a transcoder of one model and one hook', next });
}
