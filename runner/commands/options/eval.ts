/** Options of `eval`. */
import { optionLines } from '../option-lines.ts';
import { ANY_WORDS } from '../parse-options.ts';
import { cache, everyVerb, places, runOptions } from '../shared-options.ts';

export const options = {
  ...runOptions,
  ...cache,
  ...places,
  out: { type: 'string', help: 'folder that receives the site (default dist)' },
  shard: {
    type: 'string',
    help: 'do one part of the run, as 2/6; auto, or auto/6, is the part that Slurm or Kubernetes gives this process; npx interpboard merge joins the parts',
  },
  fresh: {
    type: 'boolean',
    help: 'forget an earlier run of this name, here and in upload.repository, and start over',
  },
  'overfit-one-batch': {
    type: 'boolean',
    help: 'only check the recipes: train each SAE on one batch, repeated; exit 1 where one does not learn it',
  },
  'no-site': { type: 'boolean', help: 'write the records, do not build the site' },
  ...everyVerb,
} as const;

export const words = ANY_WORDS;

export async function help(): Promise<string> {
  const lines = optionLines(options);
  const { describeFields } = await import('../../config/describe-fields.ts');
  const { runConfig } = await import('../../config/run-config.ts');
  const { listPresets } = await import('../../config/resolve.ts');
  const settings = describeFields(runConfig).map(({ path, text }) => `  ${path.padEnd(36)} ${text}`);
  return [
    'usage: npx interpboard eval [preset] [options]',
    '',
    `presets: ${(await listPresets()).join(', ')}`,
    '',
    'Options',
    ...lines,
    '',
    'Settings, for --set path=value and --config FILE',
    ...settings,
  ].join('\n');
}
