/** What a format of SAEs is to the rest: how it is recognised, which of its files are wanted, and how it is opened. */
import type { Hook, Place } from '../../hook.ts';
import type { CrosscoderFile } from './crosscoder.ts';
import type { SaeFile } from './loaded.ts';

/** What some formats do not have in their files. */
export interface LoadOptions {
  /** SAELens: the scalar of expected_average_only_in. */
  normScale?: number;
  /** SAELens: keys of its config to read otherwise. */
  overrides?: Readonly<Record<string, unknown>>;
  /** OpenAI: whether inputs are layer-normalised; default as its own loader decides. */
  normalize?: boolean;
  /** Qwen-Scope: latents per token. */
  k?: number;
  /** Reference release: which of the folder's layers; not needed where there is one. */
  layer?: number;
  /** Reference release: which of the folder's hooks, where a layer has several. */
  hook?: Place;
  /** Crosscoders: the scalar of each place that its activations are multiplied by. */
  normScales?: readonly number[];
  /** Crosscoders: the hook of each place, where they are several of one model. */
  hooks?: readonly Hook[];
}

/** How a format is recognised. One that is a single file has names or keys, one that is a folder the files in it. */
export interface Mark {
  /** Whether the names in a folder are of this format. */
  folder?: (names: readonly string[]) => boolean;
  /** Whether a file's name alone is. */
  file?: (name: string) => boolean;
  /** Whether the keys of the state dict in a .pt file are. */
  stateDict?: (keys: ReadonlySet<string>) => boolean;
  /** A tensor that the safetensors file of the folder must hold, and one that it must not: names of files are shared, and renamed. */
  tensor?: { file: string; name: string; without?: string };
  /** Words that a text file of the folder must have, where names of files are shared with another format. */
  says?: { file: string; words: RegExp };
  /** Names in a folder that show its files to be of something else, such as a language model. */
  unless?: RegExp;
}

export interface SaeAdapter {
  /** As records and errors name it. */
  format: string;
  mark: Mark;
  /** Files of an SAE, by their path in its folder: what is downloaded of a repository. */
  files: RegExp;
  /** The one of them that only an SAE has: where it lies, an SAE does. */
  tensors: RegExp;
  /** Loaders of SAELens' registry whose files these are. */
  loaders: readonly string[];
  /** Options that it takes besides those of every format. */
  takes: readonly (keyof LoadOptions)[];
  /** What the name of a repository says and its files do not, with a phrase of it. */
  fromRepository?: (repo: string) => { options: LoadOptions; conversion: string } | null;
  /** Of a crosscoder's format: opens it. `open`, which opens SAEs of one hook, refuses it. */
  crosscoder?: (path: string, options: LoadOptions) => Promise<CrosscoderFile>;
  /** @throws UserError for an option that it needs; UnavailableError, MalformedError */
  open: (path: string, options: LoadOptions) => Promise<SaeFile>;
}
