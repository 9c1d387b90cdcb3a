/** Options of `export`. */
import { optionLines } from '../option-lines.ts';
import { ANY_WORDS } from '../parse-options.ts';
import { everyVerb } from '../shared-options.ts';

export const options = {
  to: {
    type: 'string',
    help: 'folder that receives them: the SAE itself, or one folder per SAE where there are several',
  },
  format: {
    type: 'string',
    help: 'saelens (default): the SAEs; saebench: their records, as result files; neuronpedia: what their latents fire on',
  },
  model: { type: 'string', help: 'language model of the SAEs, where their files do not name it' },
  'source-set': { type: 'string', help: 'of neuronpedia: name of the set of SAEs there, such as res-16k' },
  creator: { type: 'string', help: 'of neuronpedia: id of the rows’ owner there' },
  ...everyVerb,
} as const;

export const words = ANY_WORDS;

export function help(): string {
  const lines = optionLines(options);
  return [
    'usage: npx interpboard export RUN_FOLDER_OR_SAE … --to FOLDER',
    '',
    'Writes cfg.json and sae_weights.safetensors of SAELens version 6 for each SAE of a run’s folder, or for SAEs of others',
    '(a folder or .pt file, owner/name[@revision]:path, release/id of the registry; see eval --help).',
    'With --format saebench: FOLDER/core, sparse_probing, tpp, scr/…_eval_results.json of the records of a run’s folder, or',
    'of record files.',
    'With --format neuronpedia: FOLDER/<model>/<layer>-<set>/… of the records of a run’s folder that have evidence of latents, in the',
    'layout that SAEDashboard writes for Neuronpedia’s bulk import.',
    'BatchTopK and Matryoshka SAEs become jumprelu ones, AbsTopK ones topk with two latents for each; a scalar normalisation is',
    'folded into the weights. TopK, gated and groupmax transcoders are refused: SAELens has none.',
    '',
    ...lines,
  ].join('\n');
}
