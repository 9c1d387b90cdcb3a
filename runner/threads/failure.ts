/** Errors on their way between threads, where classes get lost. */
import { type Complaint, InterpboardError, MalformedError, UnavailableError, UserError } from '../errors.ts';
import { Stopped } from '../reporter.ts';

export type Failure =
  | { kind: 'user' | 'malformed' | 'unavailable'; complaint: Complaint; stack: string }
  | { kind: 'stopped'; message: string }
  | { kind: 'defect'; message: string; stack: string };

export function failureOf(error: unknown): Failure {
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof Stopped) return { kind: 'stopped', message };
  if (error instanceof InterpboardError) {
    const { complaint } = error;
    if (error instanceof UserError) return { kind: 'user', complaint, stack };
    if (error instanceof MalformedError) return { kind: 'malformed', complaint, stack };
    if (error instanceof UnavailableError) return { kind: 'unavailable', complaint, stack };
  }
  return { kind: 'defect', message, stack };
}

/** The error again, of its class. */
export function errorOf(failure: Failure): Error {
  switch (failure.kind) {
    case 'stopped':
      return new Stopped(failure.message);
    case 'defect':
      return withStack(new Error(failure.message), failure.stack);
    case 'user':
      return withStack(new UserError(failure.complaint), failure.stack);
    case 'malformed':
      return withStack(new MalformedError(failure.complaint), failure.stack);
    case 'unavailable':
      return withStack(new UnavailableError(failure.complaint), failure.stack);
    default:
      return failure satisfies never;
  }
}

function withStack(error: Error, stack: string): Error {
  error.stack = stack;
  return error;
}
