/** Options of `merge`. */
import { optionLines } from '../option-lines.ts';
import { everyVerb, places, site } from '../shared-options.ts';

export const options = {
  partial: {
    type: 'boolean',
    help: 'merge the shards that are done into the report, which says that others are missing',
  },
  from: {
    type: 'string',
    help: 'repository of the run, owner/name: shards that are not here are fetched from their branches',
  },
  shards: { type: 'string', help: 'with --from: how many shards the run has' },
  ...places,
  ...site,
  ...everyVerb,
} as const;

export const words = { least: 1, most: 1, expected: 'the name of one run' };

export function help(): string {
  return [
    'usage: npx interpboard merge NAME [options]',
    '',
    'Joins the shards of a run (npx interpboard eval --shard i/N): their SAEs, trajectories, records and exports become one run',
    'folder, as one process would have left it, and the report is built. A shard that is missing, or was made with other',
    'settings, model files or text, is refused by name. Merging again changes nothing.',
    '',
    ...optionLines(options),
  ].join('\n');
}
