/** Parts of a run's settings, for functions that need no more of them. */
import type { RunConfig } from './run-config.ts';

export type CorpusSettings = RunConfig['corpus'];
export type EvaluationSettings = RunConfig['evaluation'];
export type ProbingSettings = RunConfig['probing'];
export type TrainingSettings = RunConfig['training'];
export type ValidationSettings = RunConfig['validation'];
export type UploadSettings = RunConfig['upload'];

/** Which SAEs a run trains. */
export type SaeSettings = Pick<RunConfig, 'train' | 'layers' | 'hooks' | 'sae' | 'sweep'>;

/** Where its programs run, in which type its language model is computed, and in which its residuals wait on disk. */
export type MachineSettings = Pick<RunConfig, 'device' | 'precision' | 'threads' | 'spill'>;

/** Wherever the settings of suites stand. */
export type SuitesSettings = Pick<RunConfig, 'evaluation' | 'probing' | 'suites'>;
