/** What an imported file becomes: a record that says where it came from, and where it is silent. */

import { clip, MalformedError, quote, UserError } from '../errors.ts';
import type { BaseDefinitionId } from '../report/definitions.ts';
import type { SaeOrigin } from '../report/origin-schema.ts';
import { type EvaluationRecord, type Measure, record, schemaVersion } from '../report/schema.ts';
import { modelKey } from './same-sae.ts';

/** What the user says about SAEs whose files do not say it. */
export interface Known {
  model?: string | undefined;
  layer?: number | undefined;
  latents?: number | undefined;
  architecture?: Architecture | undefined;
  k?: number | undefined;
  name?: string | undefined;
}

export type Architecture = EvaluationRecord['sae']['architecture'];

/** The facts of an SAE that a record cannot do without. */
export interface Identity {
  /** What names the SAE in its file; the record's id is made of it. */
  key: string;
  name: string;
  repo: string | null;
  model: string;
  layer: number;
  d_sae: number;
  architecture: Architecture;
  hook: string;
  d_in: number | null;
  k: number | null;
  tokens_trained: number | null;
  origin: SaeOrigin;
}

/** The parts of a record that results fill. */
export type Results = Partial<Pick<EvaluationRecord, 'data' | 'metrics' | 'suites'>>;

const NO_INTERVAL = 'The file gives none.';
export const NO_VALUE = 'The file read holds no such value.';

/** A value of a file: null, absent and −1 (SAEBench's mark) are missing, not small. */
export function imported(
  value: number | null | undefined,
  extra: { note?: string; window_tokens?: number; minusOne?: 'missing' | 'value' } = {},
): Measure {
  const { minusOne = 'missing', ...rest } = extra;
  if (value == null || (value === -1 && minusOne === 'missing')) return { value: null, reason: NO_VALUE };
  return { value, interval: null, interval_note: NO_INTERVAL, ...rest };
}

/** Metrics without those that the file does not even name. */
export function metricsOf(
  table: Partial<Record<BaseDefinitionId, Measure | undefined>>,
): EvaluationRecord['metrics'] {
  return Object.fromEntries(
    Object.entries(table).filter(([, measure]) => measure !== undefined),
  ) as EvaluationRecord['metrics'];
}

/** @throws MalformedError when a value lies outside what its definition allows */
export function importedRecord(
  identity: Identity,
  results: Results,
  source: { text: string; started: string | null; seconds?: number | null; caveats: readonly string[] },
  path: string,
): EvaluationRecord {
  const { key, name, repo, model, ...sae } = identity;
  const parsed = record.safeParse({
    schema: schemaVersion,
    id: idOf(key),
    kind: 'imported',
    model: {
      id: model,
      revision: null,
      family: null,
      blocks: null,
      d_model: identity.d_in,
      dtype: null,
      sha256: null,
    },
    sae: { ...sae, name, repo, sha256: null, files: [], training: null, license: null },
    data: null,
    metrics: {},
    suites: {},
    curves: { alive: [], density: null },
    trajectory: null,
    ...results,
    provenance: {
      source: source.text,
      url: null,
      started: source.started,
      wall_seconds: source.seconds ?? null,
      device: null,
      threads: null,
      versions: {},
      config_sha256: null,
      seeds: {},
    },
    caveats: [...source.caveats, 'Nothing here was measured again by this project.'],
  } satisfies EvaluationRecord);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MalformedError({
    thing: `${path}, ${clip(issue?.path.join('.') || 'top level')}`,
    found: clip(issue?.message ?? 'another shape'),
    expected: 'values that their definitions allow',
    next: 'Check the file; a value outside its range was not made by the definition it names.',
  });
}

/**
 * A fact that the file gives, or else the user.
 *
 * @throws UserError when neither says it, or both do and differ
 */
export function fact<T>(found: T | null | undefined, said: T | undefined, option: string, path: string): T {
  const value = optionalFact(found, said, option, path);
  if (value !== null) return value;
  throw new UserError({
    thing: path,
    found: `nothing about its SAE’s ${option.slice(2)}`,
    expected: 'it in the file or on the command line',
    next: `Give it with ${option}.`,
  });
}

/** The same where it may be left open. @throws UserError when file and user say different things */
export function optionalFact<T>(
  found: T | null | undefined,
  said: T | undefined,
  option: string,
  path: string,
): T | null {
  if (found == null || said === undefined) return found ?? said ?? null;
  const same = option === '--model' ? modelKey(String(found)) === modelKey(String(said)) : found === said;
  if (same) return found;
  throw disagreement(path, [option.slice(2), found], [option, said]);
}

/** Two places that say different things of one SAE, each with its name. */
export function disagreement(
  path: string,
  [here, first]: readonly [string, unknown],
  [there, second]: readonly [string, unknown],
): UserError {
  return new UserError({
    thing: path,
    found: `${here} ${quote(String(first))} and ${there} ${quote(String(second))}`,
    expected: 'the same',
    next: 'Correct the one that is wrong.',
  });
}

/** Values of a file that no definition here has, said in a caveat. */
export function unread(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`Values of the file without a definition here: ${names.join(', ')}.`.slice(0, 2_000)];
}

export function idOf(key: string): string {
  const id = key
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/[-.]*([-.])[-.]*/g, '$1')
    .replace(/^[-.]+|[-.]+$/g, '');
  return (id.length <= 112 ? id : id.slice(-112).replace(/^[-.]+/, '')) || 'sae';
}
