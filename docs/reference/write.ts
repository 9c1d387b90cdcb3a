/**
 * The reference, made from the code: `npm run docs` writes it, and a test holds what is committed to what the code says.
 * Words come from the schema's descriptions, the table of definitions, the verbs' --help and the error classes.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadVerb, verbs } from '../../runner/commands/verbs.ts';
import { runConfig } from '../../runner/config/run-config.ts';
import { definitions } from '../../runner/report/definitions.ts';
import { record, schemaVersion } from '../../runner/report/schema.ts';
import { errorsPage } from './errors.ts';
import { notice } from './notice.ts';

/** What zod's JSON Schema uses of the language. */
interface Schema {
  type?: string | undefined;
  description?: string | undefined;
  default?: unknown;
  const?: unknown;
  enum?: readonly unknown[] | undefined;
  properties?: Readonly<Record<string, Schema>> | undefined;
  additionalProperties?: boolean | Schema | undefined;
  required?: readonly string[] | undefined;
  items?: Schema | undefined;
  prefixItems?: readonly Schema[] | undefined;
  anyOf?: readonly Schema[] | undefined;
  oneOf?: readonly Schema[] | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  exclusiveMinimum?: number | undefined;
  $ref?: string | undefined;
}

const GENERATED = '<!-- Written by npm run docs. Change the code it is made from, not this file. -->\n';

/** Every file that is made, by its path from here. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['commands.md', await commandsPage()],
    ['settings.md', settingsPage()],
    ['definitions.md', definitionsPage()],
    ['record.md', recordPage()],
    ['errors.md', `${GENERATED}${errorsPage()}`],
    ['../../NOTICE', await notice()],
  ]);
}

async function commandsPage(): Promise<string> {
  const parts = [
    GENERATED,
    '# Commands\n',
    'Each is called as `npx interpboard VERB OPTIONS`. Those that take settings list them in their own help; here they stand under [settings](settings.md).\n',
  ];
  for (const [verb, summary] of Object.entries(verbs)) {
    const help = await helpOf(verb);
    const [before = ''] = help.split(/\n+Settings, for --set/);
    parts.push(`## ${verb}\n`, `${capital(summary)}.\n`, '```text', before.trimEnd(), '```\n');
  }
  return parts.join('\n');
}

/** What a verb prints when it is asked for help. */
async function helpOf(verb: string): Promise<string> {
  const lines: unknown[] = [];
  const { log } = console;
  console.log = (...words: unknown[]) => lines.push(words.join(' '));
  try {
    await (await loadVerb(verb))?.run(['--help']);
  } finally {
    console.log = log;
  }
  return lines.join('\n');
}

function settingsPage(): string {
  const schema = z.toJSONSchema(runConfig, { io: 'input', unrepresentable: 'any' }) as Schema;
  const rows = fieldsOf(schema, '').map(
    ({ path, schema: leaf }) =>
      `| \`${path}\` | ${cell(typeOf(leaf))} | ${cell(defaultOf(leaf))} | ${cell(leaf.description ?? '')} |`,
  );
  return [
    GENERATED,
    '# Settings\n',
    'On the command line `--set path=value`, as in `--set sae.k=64`; in a file for `--config` nested, as in `{ "sae": { "k": 64 } }`. Without a default here the preset says it.\n',
    '| setting | values | default | |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function definitionsPage(): string {
  const groups = Map.groupBy(Object.entries(definitions), ([, { group }]) => group);
  const parts = [
    GENERATED,
    '# Definitions\n',
    'Every number names one of these. A definition never changes: a new rule gets a new id. Symbols: x one token’s residual at the hook, in d dimensions; z the n latents; x̂ the reconstruction; e = x − x̂; T the tokens that count.\n',
  ];
  for (const [group, members] of groups) {
    parts.push(`## ${group}\n`);
    for (const [id, { title, formula, note, unit, direction, range, warning }] of members) {
      const better = {
        higher: 'higher is better',
        lower: 'lower is better',
        neutral: 'no direction is better',
      };
      const [low, high] = range;
      const facts = [
        better[direction],
        ...(unit === '' ? [] : [`in ${unit}`]),
        ...(low === null && high === null ? [] : [`from ${low ?? '−∞'} to ${high ?? '∞'}`]),
      ];
      parts.push(
        `### \`${id}\`\n`,
        `**${title}**: ${escaped(formula)}\n`,
        `${escaped(note)} (${capital(facts.join(', '))}.)\n`,
      );
      if (warning !== undefined) parts.push(`> ${escaped(warning)}\n`);
    }
  }
  return parts.join('\n');
}

function recordPage(): string {
  const schema = z.toJSONSchema(record, { io: 'output', unrepresentable: 'any' }) as Schema;
  const rows = fieldsOf(schema, '').map(
    ({ path, schema: leaf, required }) =>
      `| \`${path}\` | ${cell(typeOf(leaf))}${required ? '' : ', may be absent'} | ${cell(leaf.description ?? '')} |`,
  );
  return [
    GENERATED,
    '# Record format\n',
    `A record is one JSON file about one SAE, of version \`${schemaVersion}\`. Whatever was not measured is \`null\` with a reason. \`[]\` stands for each item of a list, \`*\` for each key. A report serves its JSON Schema as \`data/record.schema.json\`; what may change is under [compatibility](../compatibility.md).\n`,
    '| field | type | |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

interface Field {
  path: string;
  schema: Schema;
  required: boolean;
}

/**
 * The fields that hold values, by their path, and those of them that are described as a whole. Fields of alternatives
 * stand once, under the path they share.
 */
function fieldsOf(schema: Schema, path: string, required = true): Field[] {
  const inner = leaves(schema, path, required);
  const [only] = inner;
  if (schema.description === undefined || (only !== undefined && only.path === path)) return inner;
  // Items without words of their own add nothing to what is said of all of them.
  const said = inner.filter((each) => each.schema.description !== undefined || each.path !== `${path}[]`);
  return [{ path, schema, required }, ...said];
}

function leaves(schema: Schema, path: string, required: boolean): Field[] {
  const { properties, additionalProperties, items } = schema;
  const alternatives = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== 'null');
  if (properties !== undefined) {
    const under = Object.entries(properties).flatMap(([key, inner]) =>
      fieldsOf(
        inner,
        path === '' ? key : `${path}.${key}`,
        required && (schema.required?.includes(key) ?? false),
      ),
    );
    return under;
  }
  if (typeof additionalProperties === 'object' && isNested(additionalProperties))
    return fieldsOf(additionalProperties, `${path}.*`, required);
  if (items !== undefined && isNested(items)) return fieldsOf(items, `${path}[]`, required);
  if (alternatives?.every(({ properties: inner }) => inner !== undefined)) {
    const all = alternatives.flatMap((each) => leaves(each, path, required));
    return merged(all);
  }
  // A name, or the fields in its place.
  const nested = (alternatives ?? []).filter((each) => isNested(each) || each.properties !== undefined);
  return once([{ path, schema, required }, ...nested.flatMap((each) => leaves(each, path, required))]);
}

/** Fields of one path as one that may be any of them. */
function merged(fields: readonly Field[]): Field[] {
  return [...Map.groupBy(fields, ({ path }) => path).values()].map(([first, ...others]) => {
    const anyOf = [first!, ...others].map(({ schema }) => schema);
    const { description, default: value } = first!.schema;
    return others.length === 0 ? first! : { ...first!, schema: { anyOf, description, default: value } };
  });
}

/** Each path once, as it stands first. */
function once(fields: readonly Field[]): Field[] {
  return fields.filter(({ path }, i) => fields.findIndex((other) => other.path === path) === i);
}

/** Whether there is more to say of it than a type. */
function isNested({ properties, additionalProperties, items, anyOf, oneOf }: Schema): boolean {
  const alternatives = anyOf ?? oneOf;
  return (
    properties !== undefined ||
    typeof additionalProperties === 'object' ||
    (items !== undefined && isNested(items)) ||
    (alternatives?.some((each) => isNested(each)) ?? false)
  );
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return valuesOf(schema.enum);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeOf))].join(' or ');
  if (schema.type === 'array') {
    if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(typeOf).join(', ')}]`;
    return schema.items === undefined ? 'list' : `list of ${typeOf(schema.items)}`;
  }
  if (schema.type === 'object') return 'object';
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const bounds = [
    ...(low === undefined || low <= Number.MIN_SAFE_INTEGER
      ? []
      : [`${schema.minimum === undefined ? '>' : '≥'} ${low}`]),
    ...(schema.maximum === undefined || schema.maximum >= Number.MAX_SAFE_INTEGER
      ? []
      : [`≤ ${schema.maximum}`]),
  ];
  return [schema.type ?? 'any', ...bounds].join(' ');
}

/** More are cut to the first few. */
const VALUES_SHOWN = 12;

function valuesOf(values: readonly unknown[]): string {
  const shown = values.map((each) => JSON.stringify(each));
  if (shown.length <= VALUES_SHOWN) return shown.join(', ');
  return `${shown.slice(0, 3).join(', ')} … (${shown.length} in all)`;
}

function defaultOf(schema: Schema): string {
  const { default: value } = schema;
  if (value === undefined) return '';
  return Array.isArray(value) && value.length > VALUES_SHOWN ? `[${valuesOf(value)}]` : JSON.stringify(value);
}

function cell(text: string): string {
  return escaped(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** What Markdown would take for markup of its own. */
function escaped(text: string): string {
  return text.replaceAll('*', '\\*').replaceAll('<', '&lt;').replaceAll('_', '\\_');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of await referencePages()) {
    await writeFile(new URL(name, import.meta.url), text);
    console.log(`${name}: ${text.length} characters`);
  }
}
