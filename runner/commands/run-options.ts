/** Options that say what a run is: those of `eval`, which `plan` takes as well. */
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
    help: 'SAE of others to evaluate instead of training: a folder, owner/name[@revision]:path, or release/id of SAELens’ registry; #layer=N,k=N where its files do not say; may be repeated',
  },
  suite: {
    type: 'string',
    multiple: true,
    help: 'a suite from a file of your own, which is run: ./mine.ts; see docs/suites.md; may be repeated',
  },
  train: { type: 'boolean', help: 'with --sae: train SAEs as well, side by side' },
  layers: { type: 'string', help: 'hooks, as block numbers: 0,2,4' },
  device: {
    type: 'string',
    help: 'auto, cpu, webgpu, coreml, dml, cuda or cuda:N; several as cuda:0,cuda:1',
  },
  backend: { type: 'string', help: 'where training steps are computed: auto, sparse-cpu or graph' },
  log: { type: 'string', help: 'tensorboard: training logs as its event files too, in the run folder' },
  threads: { type: 'string', help: 'threads of one operator' },
  memory: {
    type: 'string',
    help: 'what the run may use, as 20GiB; a larger model is loaded in parts (default 80 % of the machine)',
  },
} as const;
