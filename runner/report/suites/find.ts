/** Suites and definitions of a record: this program's, and those that the record carries itself. */
import type { CarriedDeclaration } from '../declaration.ts';
import type { Definition } from '../definition.ts';
import { baseDefinitions, definitions } from '../definitions.ts';
import type { SuiteDeclaration } from '../suite.ts';
import { declarations } from './index.ts';

/** What of a record says which suites it knows. */
export interface Declaring {
  declared?: readonly CarriedDeclaration[] | undefined;
}

const own = new Map<string, SuiteDeclaration>(declarations.map((suite) => [suite.id, suite]));

/** Whether a name or an id of a definition is taken by this program. */
export function isOurs(name: string): boolean {
  return own.has(name) || Object.hasOwn(definitions, name);
}

export function suiteOf({ declared = [] }: Declaring, id: string): SuiteDeclaration | undefined {
  return own.get(id) ?? declared.find((suite) => suite.id === id);
}

export function definitionOf({ declared = [] }: Declaring, id: string): Definition | undefined {
  if (Object.hasOwn(definitions, id)) return definitions[id as keyof typeof definitions];
  return declared.find((suite) => Object.hasOwn(suite.definitions, id))?.definitions[id];
}

/** Suites with a part in one of the records: this program's in its order, then the others by their first mention. */
export function suitesOf(
  records: readonly (Declaring & { suites: Readonly<Record<string, unknown>> })[],
): SuiteDeclaration[] {
  const present = (id: string): boolean => records.some(({ suites }) => Object.hasOwn(suites, id));
  const others = new Map(
    records.flatMap(({ declared = [] }) => declared.map((suite) => [suite.id, suite] as const)),
  );
  return [...declarations, ...others.values()].filter(({ id }) => present(id));
}

/** Where a definition belongs: a suite's name, or null for the statistics of every run. */
export function ownerOf(id: string): string | null {
  if (Object.hasOwn(baseDefinitions, id)) return null;
  return declarations.find((suite) => Object.hasOwn(suite.definitions, id))?.id ?? null;
}
