/** Options that several verbs take. */

/** What every verb takes, last in its list. */
export const everyVerb = {
  debug: { type: 'boolean', help: 'print the stack of an error' },
  help: { type: 'boolean', help: 'print this' },
} as const;

export const json = { json: { type: 'boolean', help: 'print JSON for other programs' } } as const;

/** Where the results of a run lie: those of `eval`, which a shard and a merge take as well. */
export const places = {
  runs: { type: 'string', help: 'folder that holds the run folders (default runs)' },
  content: { type: 'string', help: 'folder that receives the records (default content)' },
} as const;

/** The report. */
export const site = {
  out: { type: 'string', help: 'folder that receives the site (default dist)' },
  'no-site': { type: 'boolean', help: 'write the records, do not build the site' },
} as const;

export const cache = {
  cache: {
    type: 'string',
    help: 'what results that no SAE decides may take in .cache/evaluation, as 10GiB; off keeps none (default 4GiB)',
  },
} as const;

/** What a run is. */
export const runOptions = {
  config: { type: 'string', help: 'JSON file with settings that replace those of the preset' },
  set: { type: 'string', multiple: true, help: 'one setting, as path=value (see Settings); may be repeated' },
  name: { type: 'string', help: 'name of the run, its folder and its records' },
  model: {
    type: 'string',
    help: 'language model: a folder in the Hugging Face layout, or owner/name[@revision] on the hub',
  },
  sae: {
    type: 'string',
    multiple: true,
    help: 'SAE of others to evaluate instead of training: a folder, owner/name[@revision]:path, or release/id of SAELens’ registry; #layer=N,k=N or #hook=mlp_out:N where its files do not say; may be repeated',
  },
  suite: {
    type: 'string',
    multiple: true,
    help: 'a suite from a file of your own, which is run: ./mine.ts; see docs/suites.md; may be repeated',
  },
  train: { type: 'boolean', help: 'with --sae: train SAEs as well, side by side' },
  transfer: {
    type: 'string',
    help: 'with --sae: the SAEs’ own model, where --model is another, such as a fine-tune of it; they are measured on both, in pairs over the same text',
  },
  'other-model': {
    type: 'string',
    help: 'with --sae: the model of the second place of a crosscoder of two models, where --model is that of the first',
  },
  from: {
    type: 'string',
    multiple: true,
    help: 'SAE whose weights training starts from, named as with --sae, one of each hook that is trained; may be repeated',
  },
  layers: { type: 'string', help: 'hooks, as block numbers: 0,2,4' },
  hooks: {
    type: 'string',
    help: 'hooks inside blocks as well, or instead where --layers is not given: mlp_out:4,12,attn_z:8',
  },
  device: {
    type: 'string',
    help: 'auto, cpu, webgpu, coreml, dml, cuda or cuda:N (cuda:N+tf32: products in TF32); several as cuda:0,cuda:1',
  },
  precision: { type: 'string', help: 'what the language model is computed in: auto, float32 or bfloat16' },
  backend: { type: 'string', help: 'where training steps are computed: auto, sparse-cpu or graph' },
  log: { type: 'string', help: 'tensorboard: training logs as its event files too, in the run folder' },
  threads: { type: 'string', help: 'threads of one operator' },
  memory: {
    type: 'string',
    help: 'what the run may use, as 20GiB; a larger model is loaded in parts (default 80 % of the machine)',
  },
} as const;
