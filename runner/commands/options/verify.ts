/** Options of `verify`. */
import { optionLines } from '../option-lines.ts';
import { everyVerb } from '../shared-options.ts';

export const options = {
  model: { type: 'string', help: 'where the language model lies, when the record names a folder' },
  'other-model': { type: 'string', help: 'where the second model of a crosscoder lies, as for eval' },
  sae: { type: 'string', multiple: true, help: 'where an SAE of others lies, as for eval' },
  from: { type: 'string', multiple: true, help: 'where an SAE that training starts from lies, as for eval' },
  suite: { type: 'string', multiple: true, help: 'where a suite’s file lies, as for eval' },
  text: {
    type: 'string',
    multiple: true,
    help: 'a file, folder or pattern of text that the record knows by its fingerprint',
  },
  runs: { type: 'string', help: 'folder of run folders, in which such text is looked up (default runs)' },
  device: { type: 'string', help: 'another device than the one it was measured on' },
  keep: { type: 'string', help: 'folder that keeps the new run' },
  ...everyVerb,
} as const;

export const words = { least: 1, most: 1, expected: 'one record, as runs/NAME/records/ID.json' };

export function help(): string {
  const lines = optionLines(options);
  return [
    'usage: npx interpboard verify RECORD.json [options]',
    '',
    'Makes the record again from its own settings, seeds and model, and names every number that moved beyond its interval.',
    'Exit code: 0 none did, 1 some did.',
    '',
    'Options',
    ...lines,
  ].join('\n');
}
