/** Options of `plan`. */
import { cards } from '../cards.ts';
import { optionLines } from '../option-lines.ts';
import { ANY_WORDS } from '../parse-options.ts';
import { everyVerb, json, runOptions } from '../shared-options.ts';

export const options = {
  ...runOptions,
  'device-memory': {
    type: 'string',
    help: `memory of each device, as 96GiB, or of a card: ${Object.keys(cards).join(', ')}; default what its driver says is free`,
  },
  shards: { type: 'string', help: 'what the run takes in so many shards: time, GPU hours and disk of each' },
  ...json,
  ...everyVerb,
} as const;

export const words = ANY_WORDS;

export function help(): string {
  const lines = optionLines(options);
  return [
    'usage: npx interpboard plan [preset] [options]',
    '',
    'Prints what the run that eval would make takes: segments, devices, memory, disk, time. Of a repository',
    'config.json and the headers of its weights are read by ranges; nothing is kept.',
    '',
    ...lines,
  ].join('\n');
}
