/**
 * What a suite does: the settings it adds to a run, the text it reads, and how it scores. What it declares of itself
 * (definitions, views) stands in runner/report/suites, where the site reads it too.
 *
 * A run asks its suites in turn to begin; each asks for what it wants to see of the sweep and gets a promise of it. All
 * they ask for goes through the language model in one pass. Then each scores one SAE after the other.
 */
import type { z } from 'zod';
import type { Site } from '../hook.ts';
import type { AblatedRow } from '../metrics/ablation-effect.ts';
import type { CoreTable } from '../metrics/core-losses.ts';
import type { EncodedRows } from '../metrics/latent-evidence.ts';
import type { Statistic } from '../metrics/statistic.ts';
import type { DenseFeatures, SparseFeatures } from '../probes/features.ts';
import type { DefinitionId } from '../report/definitions.ts';
import type { ControlName, Measure, Part } from '../report/schema.ts';
import type { SuiteDeclaration } from '../report/suite.ts';
import type { Decoder, DecoderRows } from '../sae/directions.ts';
import type { ProbeDeclaration } from '../text/probe-declaration.ts';
import type { ProbeDemand, ProbeSet } from '../text/probe-sets.ts';
import type { Directions } from './ablation.ts';
import type { ConceptSet } from './concepts.ts';
import type { Truth } from './truth.ts';

export interface Suite {
  declaration: SuiteDeclaration;
  /** Whether it belongs to a run that names no suites. */
  byDefault: boolean;
  /** What its model must have: text and losses, or true features, which a synthetic model alone has. */
  needs: Needs;
  /** Of a suite from a file the file's hash: what it kept between runs is another's when it changes. */
  version: string;
  settings: SuiteSettings;
  /** Whether it gives values that controls have too (`SuiteRun.controlled`). */
  controlled: boolean;
  /** Settings that the schema alone cannot refuse; asked of suites that run. */
  check(settings: unknown, inputs: RunInputs): readonly Complaint[];
  /** The text it will read, as far as its settings say: memory and time are planned from it. */
  reads(settings: unknown, inputs: RunInputs): readonly Reading[];
  /** Bytes that it keeps of each SAE until that is scored, beside what it reads. */
  holds(settings: unknown, sae: { d_sae: number }): number;
  /** Null where there is nothing to score; `context.exclude` then says why. */
  begin(context: SuiteContext, settings: unknown): Promise<SuiteRun | null>;
}

export type Needs = 'text' | 'truth';

type Shape = Readonly<Record<string, z.ZodType>>;

/** Settings by where they stand in a run's configuration. */
export interface SuiteSettings {
  /** Under `evaluation`; suites may share one, by the same schema. */
  evaluation?: Shape;
  /** Under `probing`. */
  probing?: Shape;
  /** Under `suites.<its id>`: where a new suite puts its own. */
  own?: Shape;
}

type Inferred<S> = S extends Shape ? { [Key in keyof S]: z.infer<S[Key]> } : unknown;

export type SettingsOf<S extends SuiteSettings> = Inferred<S['evaluation']> &
  Inferred<S['probing']> &
  Inferred<S['own']>;

interface SuiteParts<S extends SuiteSettings> {
  declaration: SuiteDeclaration;
  byDefault?: boolean;
  needs?: Needs;
  version?: string;
  controlled?: boolean;
  settings: S;
  check?(settings: SettingsOf<S>, inputs: RunInputs): readonly Complaint[];
  reads(settings: SettingsOf<S>, inputs: RunInputs): readonly Reading[];
  holds?(settings: SettingsOf<S>, sae: { d_sae: number }): number;
  begin(context: SuiteContext, settings: SettingsOf<S>): Promise<SuiteRun | null>;
}

/** Ties a suite's functions to the types of its settings, which are parsed with the configuration. */
export function defineSuite<const S extends SuiteSettings>(suite: SuiteParts<S>): Suite {
  const { byDefault = false, needs = 'text', version = '', controlled = false, check = () => [] } = suite;
  const { holds = () => 0 } = suite;
  return {
    ...suite,
    byDefault,
    needs,
    version,
    controlled,
    check: (settings, inputs) => check(settings as SettingsOf<S>, inputs),
    holds: (settings, sae) => holds(settings as SettingsOf<S>, sae),
    reads: (settings, inputs) => suite.reads(settings as SettingsOf<S>, inputs),
    begin: (context, settings) => suite.begin(context, settings as SettingsOf<S>),
  };
}

/** A setting that cannot be, by its path in the configuration. */
export interface Complaint {
  path: string[];
  message: string;
}

/** Of a run's configuration what several suites read. */
export interface RunInputs {
  /** Probing tasks of two classes: so many texts each, of so many tokens at most. */
  tasks: { count: number; texts: number; tokens: number };
  /** Sets of several classes; texts of both parts together, as far as is known before they are loaded. */
  sets: { names: readonly string[]; texts: number; tokens: number };
}

/** One text or part of it, before it is loaded. */
export interface Reading {
  /** Suites that give the same name read it once. */
  name: string;
  /** Rows or texts, at most, and tokens of the longest. */
  rows: number;
  rowTokens: number;
  /** What is kept of every row until it is scored: token means of its latents and residual, those of one token, or sums. */
  keeps: 'pooled' | 'token' | 'sums';
  /** Whether reconstructions go on from the hooks to the losses they end in, and zero with them, compared by KL. */
  spliced?: true;
}

export interface SuiteRun {
  /** SAEs come by hook, in order. */
  score(sae: ScoredSae): SuiteResult | Promise<SuiteResult>;
  /** Values that stand between a floor and a ceiling, of the SAE scored last. */
  controlled?(sae: ScoredSae, result: SuiteResult): Promise<ControlledValue[]>;
  /**
   * What its draws follow from besides their seed, such as labels and texts: data that compared records must share. With
   * it the statistics of its own measures are kept, so that records are compared by their paired differences.
   */
  pairing?: readonly unknown[];
}

export interface SuiteResult {
  part: Part;
  /** With their resamples, by definition: for paired differences and for composites. */
  statistics?: Readonly<Record<string, Statistic>>;
  /** What the draws follow from besides `SuiteRun.pairing`, where they are not the same at every hook. */
  pairing?: readonly unknown[];
  /** Which latents it chose or weighed for concepts, such as probes' weights: suites that give evidence show them. */
  uses?: readonly LatentUse[];
  /** Of the SAE's latents, for their page: files beside the record, by name, as runner/report/features.ts describes them. */
  evidence?: Readonly<Record<string, string>>;
}

/** The latents that tell or write a concept by a suite's rule. */
export interface LatentUse {
  concept: string;
  /** With the weight that the rule gives each, the largest by absolute value first; a handful. */
  latents: readonly (readonly [latent: number, weight: number])[];
}

/** An SAE as it is scored. */
export interface ScoredSae {
  /** Number of its hook among the context's. */
  hook: number;
  /** Number of the SAE at its hook. */
  index: number;
  /** Content hash of its tensors. */
  sha256: string;
  /** Of its latents in the residual; read when asked for, and all of them in memory. */
  directions(): Promise<Directions>;
  /** The same, read a block at a time. */
  decoder: Decoder;
  /** What the suites scored before this one said of it. */
  uses: readonly (LatentUse & { suite: string })[];
  /** What is measured of every SAE: reconstruction, sparsity and losses over the packed rows. */
  base: {
    statistics: Readonly<Record<string, Statistic>>;
    measures: Readonly<Record<string, Measure>>;
    tokens: number;
  };
}

/** A value of the SAE with the same measurement where the answer is known. */
export interface ControlledValue {
  id: DefinitionId;
  value: Statistic;
  controls: readonly { control: ControlName; statistic: Statistic; shown: boolean; note?: string }[];
  /** What its skill is taken between; left out where nothing is its floor or its ceiling. */
  ends?: { floor: ControlName; ceiling: ControlName };
}

/** Something a suite asked for: known at each hook once the text has been read. */
export interface Asked<T> {
  at(hook: number): T;
}

export interface SuiteContext {
  hooks: readonly { layer: number; site: Site; d: number; saes: readonly { d_sae: number }[] }[];
  /** Of every interval. */
  draws: { resamples: number; seed: number };
  /** Of the choice of texts and of probes' starts. */
  probeSeed: number;
  /** Whether controls are measured, so that `controlled` will be called. */
  controls: boolean;
  tokenizer: SuiteTokenizer;
  /** What is known of a synthetic model; null of a language model. */
  truth: Truth | null;
  /** Says in the record what was asked for and left out. */
  exclude(data: string, reason: string): void;
  /** What no SAE decides, kept between runs under the suite, the draws, the probe seed and `key`: plain values and typed arrays. */
  remember<T>(key: unknown, make: () => T | Promise<T>): Promise<T>;
  /** The run's probing tasks, and its sets of several classes, with their pooled texts. */
  tasks(): Promise<AskedTasks>;
  sets(): Promise<readonly AskedSet[]>;
  /** A labelled data set, by name or declared, from this machine or the hub. */
  probeSet(set: string | ProbeDeclaration, demand: ProbeDemand): Promise<ProbeSet>;
  /** Of each text the means over its tokens: of every SAE's latents, of the residual, and of untrained SAEs' latents. */
  pooled(
    texts: readonly ProbeText[],
    options: { residual: boolean; untrained?: boolean },
  ): Asked<PooledTexts>;
  /** Of each text the latents and the residual at one of its tokens. */
  tokenOf(
    texts: readonly ProbeText[],
    position: (text: ProbeText, index: number) => number,
  ): Asked<PooledTexts>;
  /** Every text at every hook, token by token, to a function of the suite's own. */
  visit(texts: readonly ProbeText[], see: (visit: Visit) => void): void;
  /** The rows of held-out text that every run measures on, a batch at a time, as each SAE of a hook encodes them. */
  heldOut(see: (seen: HeldOutRows) => void): HeldOutText;
  /** The same rows, each going on from the hook without one latent of an SAE. */
  ablated(ask: Ablations): void;
  /**
   * What directions [count, d] in the residual do to the logits on their own, through the last norm's scale: of each the
   * `most` tokens that it raises and those that it lowers most.
   */
  logitEffects(directions: Float32Array, most: number): Promise<TokenEffects[]>;
  /**
   * Of the latents asked for those whose rows are nearest by cosine, the nearest first; a row of zeros is nobody's neighbour.
   *
   * @param picked rows of the latents asked for, where they were read before
   */
  nearestRows(
    decoder: DecoderRows,
    latents: readonly number[],
    most: number,
    picked?: Float32Array,
  ): Promise<{ latent: number; cosine: number }[][]>;
  /** Losses and KL over rows of held-out text that begin with BOS; null, and an exclusion, without such a token. */
  splicedLosses(tokens: number, setting: string): Promise<SplicedLosses | null>;
}

export interface SuiteTokenizer {
  /** Token ids, with the tokenizer's default special tokens, and the same of many texts, cut to `limit`, kept between runs. */
  encode(text: string, options: { specialTokens: boolean }): readonly number[];
  encodeAll(
    texts: readonly string[],
    limit: number,
    keep?: 'start' | 'end',
  ): Promise<readonly (readonly number[])[]>;
  decode(ids: readonly number[]): string;
  /** BOS, EOS and PAD. */
  special: ReadonlySet<number>;
  /** What a text begins with: BOS, or EOS in its place; null where the tokenizer has neither. */
  begin: number | null;
  /** Ids are below it. */
  size: number;
}

/** A text as the language model reads it. */
export interface ProbeText {
  /** At least one token, already truncated. */
  ids: readonly number[];
  /** Non-zero for the tokens that count, one of them at least; all count where it is left out. */
  kept?: Uint8Array;
}

/** Of one hook. */
export interface PooledTexts {
  /** For each SAE [texts, d_sae]. */
  latents: SparseFeatures[];
  /** [texts, d]; null unless asked for. */
  residual: DenseFeatures | null;
  /**
   * By the number of an SAE what an untrained one of its shape and L0 makes of the texts, where it was asked for, controls
   * are measured, and one could be made.
   */
  untrained?: ReadonlyMap<number, PooledUntrained>;
}

/** The latents of an untrained SAE; those of a hook that share a shape share it. */
export interface PooledUntrained {
  /** All that the SAE follows from, for what is remembered of it. */
  follows: string;
  /** [texts, d_sae] */
  latents: SparseFeatures;
  /** Rows of its decoder, [d_sae, d]: made anew by every call. */
  directions(): Float32Array;
}

/** One text at one hook. */
export interface Visit {
  hook: number;
  text: number;
  tokens: number;
  /** [tokens, d], not to be changed or kept. */
  residual: Float32Array;
  /** For each SAE of each token its k latents: [tokens · k] indices and values. */
  latents: readonly { k: number; indices: Int32Array; values: Float32Array }[];
}

/** A batch of held-out text at one hook. */
export interface HeldOutRows {
  hook: number;
  /** Of each SAE of the hook; not to be changed or kept. */
  encoded: readonly EncodedRows[];
}

/** Once more from the hook on, over the rows that are asked for. */
export interface Ablations {
  /** Share of all rows that these are, about: for the time that is left. */
  share: number;
  /** The latent that each row of a batch goes on without, [rows], −1 for none. */
  without(seen: { hook: number; index: number; encoded: EncodedRows }): Int32Array;
  /** Called once for each such row in which the latent fires. */
  ended(found: { hook: number; index: number; row: AblatedRow }): void;
}

export interface HeldOutText {
  name: string;
  split: string;
  rows: number;
  rowTokens: number;
  /** Token ids of a row; not to be changed. */
  row(index: number): Int32Array;
}

/** What a direction adds to the logits of tokens, from the largest effect on. */
export interface TokenEffects {
  raised: { ids: Int32Array; values: Float32Array };
  lowered: { ids: Int32Array; values: Float32Array };
}

export interface AskedTasks {
  tasks: readonly { name: string; data: string; labels: readonly number[]; texts: readonly string[] }[];
  /** The texts of all tasks, one task after the other. */
  pooled: Asked<PooledTexts>;
}

export interface AskedSet {
  set: ConceptSet;
  pooled: Asked<PooledTexts>;
}

export interface SplicedLosses {
  /** Of each row the document that holds most of it, where the text says. */
  documents(): readonly number[] | undefined;
  /** A table for each SAE. */
  tables: Asked<CoreTable[]>;
  text: { rows: number; blocks?: number; row_tokens: number; tokens: number; counted_positions: number };
  /** What names the rows, where the values of all suites over them are to be compared in pairs; else null. */
  names: readonly unknown[] | null;
  /** The token that rows begin with. */
  begin: 'BOS' | 'EOS';
}
