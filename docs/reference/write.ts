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
    'Each is called as `npm run VERB -- OPTIONS`. Those that take settings list them in their own help; here they stand under [settings](settings.md).\n',
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
  const rows = leaves(schema, '').map(
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
  const rows = leaves(schema, '').map(
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

/** The fields that hold values, by their path. Fields of alternatives stand once, under the path they share. */
function leaves(
  schema: Schema,
  path: string,
  required = true,
): { path: string; schema: Schema; required: boolean }[] {
  const { properties, additionalProperties, items } = schema;
  const alternatives = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== 'null');
  if (properties !== undefined) {
    const under = Object.entries(properties).flatMap(([key, inner]) =>
      leaves(
        inner,
        path === '' ? key : `${path}.${key}`,
        required && (schema.required?.includes(key) ?? false),
      ),
    );
    return under;
  }
  if (typeof additionalProperties === 'object' && isNested(additionalProperties))
    return leaves(additionalProperties, `${path}.*`, required);
  if (items !== undefined && isNested(items)) return leaves(items, `${path}[]`, required);
  if (alternatives?.every(({ properties: inner }) => inner !== undefined)) {
    const all = alternatives.flatMap((each) => leaves(each, path, required));
    return all.filter(({ path: own }, i) => all.findIndex((other) => other.path === own) === i);
  }
  return [{ path, schema, required }];
}

/** Whether there is more to say of it than a type. */
function isNested({ properties, additionalProperties, anyOf, oneOf }: Schema): boolean {
  const alternatives = anyOf ?? oneOf;
  return (
    properties !== undefined ||
    typeof additionalProperties === 'object' ||
    (alternatives?.some((each) => isNested(each)) ?? false)
  );
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(', ');
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

function defaultOf(schema: Schema): string {
  return schema.default === undefined ? '' : JSON.stringify(schema.default);
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
