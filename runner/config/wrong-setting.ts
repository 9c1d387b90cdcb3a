/** What a setting's error says: the value that was given, and what would be taken. */
import { z } from 'zod';
import { clip, quote, UserError } from '../errors.ts';
import { valueAt } from './json.ts';
import { didYouMean } from './nearest.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/**
 * @param issue of the settings' schema
 * @param given what the schema was given
 * @param under where in all settings that stands
 */
export function wrongSetting(
  issue: Issue,
  schema: z.ZodType,
  given: unknown,
  under: readonly string[] = [],
): UserError {
  const { inner, path } = innermost(issue);
  const place = [...under, ...path].map(String).join('.');
  if (inner.code === 'unrecognized_keys') {
    const [key = ''] = inner.keys;
    const known = namesAt(schema, path);
    return new UserError({
      thing: place === '' ? 'settings' : `settings of ${place}`,
      found: quote(key),
      expected: known.length === 0 ? 'a setting that --help lists' : `one of ${known.join(', ')}`,
      next: didYouMean(key, known, 'npx interpboard eval --help says what each is.'),
    });
  }
  const found = valueAt(given, path);
  const names = inner.code === 'invalid_value' ? inner.values.map(String) : [];
  return new UserError({
    thing: `setting ${place || '(top level)'}`,
    found: shown(found),
    expected: expectation(inner),
    next: didYouMean(String(found), names, 'Correct it in the config file or the command line.'),
  });
}

/** Of a value that may be one of several things, what is wrong with the one that it comes nearest to. */
function innermost(issue: Issue, above: Path = []): { inner: Issue; path: Path } {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') return { inner: issue, path };
  // A choice that the value is not even of the kind of says nothing about the value.
  const near = issue.errors.find(([first]) => first !== undefined && !isOtherKind(first));
  return near === undefined ? { inner: issue, path } : innermost(near[0]!, path);
}

function isOtherKind({ code, path }: Issue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? `a value of type ${issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(', ')}`;
    case 'too_small':
      return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${UNITS[issue.origin] ?? ''}`;
    case 'too_big':
      return `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${UNITS[issue.origin] ?? ''}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_union': {
      const choices = issue.errors.flatMap((errors) => errors.slice(0, 1).map(expectation));
      if (choices.length > 0) return [...new Set(choices)].join(', or ');
      return 'options' in issue && issue.options !== undefined
        ? `one of ${issue.options.join(', ')}`
        : 'another shape';
    }
    case 'invalid_format':
    case 'custom':
      // The schema's own words.
      return issue.message
        .replace(/^expected /, '')
        .replace(/^Invalid string: must match/, 'text that matches');
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
      return 'a value that --help describes';
  }
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object of settings',
  null: 'null',
};

/** A value that was given, in one line. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? quote(value) : clip(JSON.stringify(value), 120);
}

/** What a size counts, where it is no number's own. */
const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' items' };

/** The names of the settings that stand at a path of the schema. */
function namesAt(schema: z.ZodType, path: Path): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable)
    return namesAt(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodPipe) return namesAt(schema.in as z.ZodType, path);
  if (schema instanceof z.ZodUnion)
    return [...new Set(schema.options.flatMap((option) => namesAt(option as z.ZodType, path)))];
  const [key, ...rest] = path;
  if (schema instanceof z.ZodArray)
    return typeof key === 'number' ? namesAt(schema.element as z.ZodType, rest) : [];
  if (!(schema instanceof z.ZodObject)) return [];
  if (key === undefined) return Object.keys(schema.shape);
  const inner = schema.shape[key as string] as z.ZodType | undefined;
  return inner === undefined ? [] : namesAt(inner, rest);
}
