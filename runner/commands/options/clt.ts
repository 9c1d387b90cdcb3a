/** Options of `clt`. */
import { optionLines } from '../option-lines.ts';
import { everyVerb, json, runOptions } from '../shared-options.ts';

const { config, set, model, device, threads, memory } = runOptions;

export const options = { config, set, model, device, threads, memory, ...json, ...everyVerb } as const;

export const words = { least: 1, most: 1, expected: 'one transcoder: a folder, or owner/name[@revision]' };

export function help(): string {
  return [
    'usage: npx interpboard clt TRANSCODER --model MODEL [options]',
    '',
    'Measures a cross-layer transcoder in circuit-tracer’s layout: how much of each MLP’s output it explains on the model left',
    'alone, and the losses with all MLPs replaced by it, by zero and by their means, over the held-out text of the settings; and',
    'k-sparse probing on the latents of each layer, over the sets of probing.sets.',
    '',
    ...optionLines(options),
  ].join('\n');
}
