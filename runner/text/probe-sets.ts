/** Labelled texts as the probing suites read them, wherever they come from. */
import { MalformedError, UserError } from '../errors.ts';
import { random, shuffle } from '../math/random.ts';
import type { ProbeDeclaration } from './probe-declaration.ts';

export interface ProbeRow {
  text: string;
  /** Index into the set's classes. */
  label: number;
  /** Index into the values of the set's attribute, when it has one. */
  attribute?: number;
}

export interface ProbeSet {
  name: string;
  /** Where the texts come from, in words, with the commit: stands in the record. */
  data: string;
  /** Two or more. In a set of two, class 1 is the positive one. */
  classes: readonly string[];
  /** A second label, crossed with the class: what SCR calls the spurious concept. Null in most sets. */
  attribute: { name: string; values: readonly string[] } | null;
  train: readonly ProbeRow[];
  /** Empty when the set has no split of its own: the suite then splits `train`. */
  test: readonly ProbeRow[];
  /** Texts left out of the source's rows. */
  removed: {
    /** Test texts that also stand in the training part. */
    duplicates: number;
    /** Rows without text, or of a class or attribute that the set does not name. */
    unused: number;
  };
}

/** What a suite asks of a set. */
export type ProbeDemand =
  /** The first rows of the training split, in order: `test` stays empty (InterpScore). */
  | { kind: 'first'; rows: number }
  /** As many rows of every class, and within it of every attribute value (SAEBench). */
  | { kind: 'balanced'; trainPerClass: number; testPerClass: number; seed: number };

/**
 * Loads a set by the name that the configuration gives it, or as declared.
 *
 * @throws UserError, MalformedError or UnavailableError when a set cannot be loaded or has one class only; no label
 *   is ever made up
 */
export type ProbeSetLoader = (set: string | ProbeDeclaration, demand: ProbeDemand) => Promise<ProbeSet>;

export interface BinaryRows {
  /** Row numbers: the class's, then as many of the others. */
  rows: Int32Array;
  /** 1 for the class, 0 for the rest. */
  labels: Uint8Array;
}

/**
 * One class against the rest, balanced: all rows of the class, and as many drawn from the others without replacement
 * (fewer when there are not so many).
 *
 * @param labels class of each row
 * @throws MalformedError when the class or the rest has no row
 */
export function oneVersusRest(
  labels: ArrayLike<number>,
  target: number,
  seed: number,
  name: string,
): BinaryRows {
  const all = Array.from(labels, (label, row) => ({ label, row }));
  const positive = all.filter(({ label }) => label === target).map(({ row }) => row);
  const rest = shuffle(
    all.filter(({ label }) => label !== target).map(({ row }) => row),
    random('one versus rest', seed, target),
  ).slice(0, positive.length);
  if (positive.length === 0 || rest.length === 0) {
    throw new MalformedError({
      thing: name,
      found: `${positive.length} rows of class ${target} and ${rest.length} of the others`,
      expected: 'both',
      next: 'Use more rows of the data set, or check which column holds the label.',
    });
  }
  return {
    rows: Int32Array.from([...positive, ...rest]),
    labels: Uint8Array.from([...positive.map(() => 1), ...rest.map(() => 0)]),
  };
}

/** @throws MalformedError when a part that is there has rows of one class only. */
export function checkClasses(set: ProbeSet): ProbeSet {
  for (const part of ['train', 'test'] as const) {
    const rows = set[part];
    if (part === 'test' && rows.length === 0) continue;
    const found = new Set(rows.map(({ label }) => label));
    if (found.size >= 2) continue;
    const [only] = found;
    throw new MalformedError({
      thing: `probe set ${set.name} (${part})`,
      found: only === undefined ? 'no rows' : `${rows.length} rows, all of class ${set.classes[only]}`,
      expected: 'rows of at least two classes',
      next: 'Use more rows of the data set, or check which column holds the label.',
    });
  }
  return set;
}

export function noSuchSet(name: string, known: readonly string[]): UserError {
  return new UserError({
    thing: 'probe set',
    found: JSON.stringify(name),
    expected: `one of ${known.join(', ')}, or a declaration of that name`,
    next: 'Correct the name in the configuration.',
  });
}
