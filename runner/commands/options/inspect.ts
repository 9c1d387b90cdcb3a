/** Options of `inspect`. */
import { optionLines } from '../option-lines.ts';
import { everyVerb, json } from '../shared-options.ts';

export const options = {
  hash: { type: 'boolean', help: 'of an SAE: hash its files and tensors, which reads all of them' },
  latents: { type: 'string', help: 'of an SAE: latents to look at, as 0,17' },
  text: { type: 'string', help: 'of an SAE: the latents of this text, token by token' },
  latent: {
    type: 'string',
    help: 'of an SAE: what this latent fires on, from the evidence in the report; without it what its weights write',
  },
  content: { type: 'string', help: 'folder of the report’s records and evidence (default content)' },
  model: {
    type: 'string',
    help: 'with --text and --latent: the language model that the SAE reads (default the one that its files name); with saes: those of this model, as gemma-2-2b',
  },
  layer: { type: 'string', help: 'with saes: those of the residual stream after this block' },
  release: { type: 'string', help: 'with saes: those of releases with this in their names' },
  ...json,
  ...everyVerb,
} as const;

export const words = { most: 1, expected: 'one folder' };

export function help(): string {
  const lines = optionLines(options);
  return [
    'usage: interpboard inspect [folder] [options]',
    '       interpboard inspect SAE [options]',
    '       interpboard inspect saes [--model NAME] [--layer N] [options]',
    '',
    'Prints what is known of a language model in the Hugging Face layout (default the embedded one), or of an SAE: a',
    'folder or .pt file, owner/name[@revision]:path on the hub, or release/id of SAELens’ registry. Only headers are',
    'read, but a tensor that is missing or of another shape is an error. With saes: lists that registry. With --text or',
    '--latent the SAE, and its language model where it is needed, are opened.',
    '',
    ...lines,
  ].join('\n');
}
