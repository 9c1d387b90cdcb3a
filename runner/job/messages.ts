import type { RunConfig } from '../config/run-config.ts';
import type { Complaint } from '../errors.ts';
import { InterpboardError, MalformedError, UnavailableError, UserError } from '../errors.ts';
import type { StageProgress } from '../reporter.ts';
import type { ModelPlace, RunIdentity } from './identity.ts';
import type { PublishedSae } from './published-saes.ts';
import type { RunState } from './run-folder.ts';

export type ErrorKind = 'user' | 'malformed' | 'unavailable' | 'defect';

/** What the worker thread tells the main thread. */
export type JobMessage =
  | { type: 'progress'; progress: StageProgress }
  | { type: 'note'; text: string }
  /** `passed` is false of a check that ran to its end and failed. */
  | { type: 'finished'; passed: boolean }
  | { type: 'stopped'; text: string }
  | { type: 'failed'; kind: ErrorKind; complaint: Complaint | null; message: string; stack: string };

interface Work {
  config: RunConfig;
  model: ModelPlace;
  /** Bytes it may use. */
  memory: number;
}

export interface RunStart extends Work {
  task: 'run';
  identity: RunIdentity;
  /** SAEs to evaluate that the run does not train. */
  published: readonly PublishedSae[];
  /** The command that makes the run again, for provenance. */
  command: string;
  folder: string;
  /** Where what does not depend on an SAE is kept, and the bytes it may take; null keeps nothing. */
  cache: { folder: string; limit: number } | null;
  /** The run's state as found, undefined for a new run. */
  found: RunState | undefined;
  /** Whether the user asked to start over. */
  fresh: boolean;
}

/** A check of the run's recipes that leaves nothing behind. */
export interface OverfitStart extends Work {
  task: 'overfit-one-batch';
}

export type JobStart = RunStart | OverfitStart;

/** What the main thread gives the worker at its start. `stop` is one shared word: 1 asks it to stop. */
export interface JobData {
  job: JobStart;
  stop: SharedArrayBuffer;
}

export function failureOf(error: unknown): Extract<JobMessage, { type: 'failed' }> {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const complaint = error instanceof InterpboardError ? error.complaint : null;
  return { type: 'failed', kind: kindOf(error), complaint, message, stack: stack ?? message };
}

function kindOf(error: unknown): ErrorKind {
  if (error instanceof UserError) return 'user';
  if (error instanceof MalformedError) return 'malformed';
  if (error instanceof UnavailableError) return 'unavailable';
  return 'defect';
}

/** The error a failed worker died of, as the main thread throws it on. */
export function errorOf(failure: Extract<JobMessage, { type: 'failed' }>): Error {
  const { kind, complaint } = failure;
  if (complaint !== null) {
    if (kind === 'user') return new UserError(complaint);
    if (kind === 'malformed') return new MalformedError(complaint);
    if (kind === 'unavailable') return new UnavailableError(complaint);
  }
  const error = new Error(failure.message);
  error.stack = failure.stack;
  return error;
}
