/** Messages name settings that there are: `training.shuffle.megabytes`, and nothing that --set would refuse. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { describeFields } from '../../../runner/config/describe-fields.ts';
import { runConfig } from '../../../runner/config/run-config.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const paths = describeFields(runConfig).map(({ path }) => path);
/** The settings and what they stand in. */
const known = new Set(
  paths.flatMap((path) => path.split('.').map((_, i, keys) => keys.slice(0, i + 1).join('.'))),
);
const blocks = [...new Set(paths.filter((path) => path.includes('.')).map((path) => path.split('.')[0]!))];
const named = new RegExp(`(?<![\\w./\\-])(?:${blocks.join('|')})(?:\\.[a-z][A-Za-z0-9-]*)+(?![\\w/(])`, 'g');

/** Written like settings: names of files, and of tensors in checkpoints of others. */
const notSettings = /\.(?:safetensors|json)$|^model\.(?:layers|decoder)$/;

/** The strings of a program, in templates what stands between the expressions. */
function stringsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap(stringsOf);
  const { type, value } = node as { type?: string; value?: unknown };
  if (type === 'Literal' && typeof value === 'string') return [value];
  if (type === 'TemplateElement') return [(value as { cooked: string }).cooked];
  return Object.values(node).flatMap(stringsOf);
}

function unknownIn(text: string): string[] {
  return stringsOf(parseAst(text, { lang: 'ts' })).flatMap((each) =>
    [...each.matchAll(named)]
      .map(([name]) => name)
      .filter((name) => !known.has(name) && !notSettings.test(name)),
  );
}

test('a name is looked for in strings and templates, not in the program', () => {
  const text =
    'const a = `lower training.shuffleMegabytes, \u0024{sae.kk}` + "or sae.k, corpus.rows of model.safetensors"; // sae.kkk';
  expect(unknownIn(text)).toEqual(['training.shuffleMegabytes', 'corpus.rows']);
});

test('every setting that a message names is there', () => {
  const files = readdirSync(`${root}runner`, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?<!\.as)\.ts$/.test(path),
  );
  const unknown = files.flatMap((path) =>
    unknownIn(readFileSync(`${root}runner/${path}`, 'utf8')).map((name) => `${path}: ${name}`),
  );
  expect(unknown).toEqual([]);
  expect(files.length).toBeGreaterThan(400);
});
