/**
 * The verbs: a new one is a file beside this one, of the same name, that exports `run`, and a line here. It is called
 * as `npx interpboard VERB`.
 */
import { parseOptions } from './parse-options.ts';

/** What a verb's file exports. */
export interface Verb {
  /** @returns the exit code */
  run(args: readonly string[]): Promise<number>;
}

/** A line of help for each, in the order of the help. Not in the files: each is loaded only when it is asked for. */
export const verbs = {
  eval: 'train SAEs on a language model, evaluate them, build the report (the main job)',
  import: 'read result files of SAEBench, the reference evaluation or dictionary_learning into the report',
  plan: 'print what a run will take (segments, memory, disk, time) before anything is downloaded',
  merge: 'join the shards of a run (eval --shard i/N) into one run folder and the report',
  submit:
    'print or submit the jobs of a run in shards (Slurm, Kubernetes, Hugging Face Jobs), and show how far they are',
  explain: 'have a language model of your choice say what latents mean, and score what it says',
  export: 'write SAEs in the layout of SAELens',
  verify: 'make a record again from its own settings, and name every number that moved',
  doctor: 'check what this machine can do: its devices, whether each computes right, and how fast',
  inspect: 'print what a model or an SAE is, without reading its weights; list published SAEs',
  publish: 'send a finished run to the hub with its model card, or the report to a Space or a folder',
  build: 'build the report from the records in content/',
  preview: 'serve the report on this machine, to look at it',
  validate: 'hold records to their format, such as those that somebody sent',
  init: 'write the files of a project of your own, whose report GitHub publishes',
  cuda: 'fetch what a GPU of NVIDIA needs (Linux x64)',
} as const satisfies Record<string, string>;

/** What a file in options/ says: the options of the verb of its name, and what does not need the verb itself. */
interface Options {
  options: Parameters<typeof parseOptions>[2];
  words: Parameters<typeof parseOptions>[3];
  help(): string | Promise<string>;
}

/** Verbs that take long to load: whoever asks for help, or mistypes an option, need not wait for them. */
const apart = ['eval', 'plan', 'verify', 'merge', 'inspect', 'submit', 'export', 'publish'];

/** A verb; undefined for a word that is none. */
export async function loadVerb(word: string): Promise<Verb | undefined> {
  if (!Object.hasOwn(verbs, word)) return undefined;
  // The tests' loader cannot follow a name that is made; it need not.
  const load = (): Promise<Verb> => import(/* @vite-ignore */ `./${word}.ts`);
  if (!apart.includes(word)) return load();
  const { options, words, help }: Options = await import(/* @vite-ignore */ `./options/${word}.ts`);
  return {
    async run(args) {
      const { values } = parseOptions(word, args, options, words);
      if (!('help' in values)) return (await load()).run(args);
      console.log(await help());
      return 0;
    },
  };
}
