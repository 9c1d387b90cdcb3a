import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { verbs } from '../../../runner/commands/verbs.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Prints what has been loaded, at the end. */
const listing = `import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load(url, context, next) { if (url.startsWith('file:')) loaded.push(url); return next(url, context); } });
process.on('exit', () => console.error('loaded ' + JSON.stringify(loaded)));`;

/** Files of the project, by their path in it, and the names of packages that such a command loads. */
function loadedBy(...words: string[]): {
  status: number | null;
  said: string;
  files: string[];
  packages: string[];
} {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(listing)}`, 'runner/cli.ts', ...words],
    { cwd: root, encoding: 'utf8' },
  );
  const paths = (JSON.parse(/^loaded (.*)$/m.exec(stderr)![1]!) as string[]).map((url) => fileURLToPath(url));
  const names = paths.map((path) => path.slice(root.length).replaceAll('\\', '/'));
  const inPackages = names.map((name) => /(?:^|\/)node_modules\/(.*)/.exec(name)?.[1]);
  const packageOf = (path: string): string => path.split('/', path.startsWith('@') ? 2 : 1).join('/');
  return {
    status,
    said: stdout + stderr,
    files: names.filter((_, i) => inPackages[i] === undefined).toSorted(),
    packages: [...new Set(inPackages.filter((name) => name !== undefined).map(packageOf))].toSorted(),
  };
}

const FRONT = [
  'runner/cli.ts',
  'runner/commands/parse-options.ts',
  'runner/commands/verbs.ts',
  'runner/config/nearest.ts',
  'runner/errors.ts',
];

it('help is listed, and a mistyped verb refused, without the program', () => {
  for (const words of [['--help'], ['evl']]) {
    const { files, packages } = loadedBy(...words);
    expect(packages).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(FRONT));
    expect(files.length).toBeLessThan(12);
  }
}, 120_000);

const apart = readdirSync(`${root}runner/commands/options`).map((file) => file.replace('.ts', ''));

it('verbs that load many files have their options in a file of their own', () => {
  const many = Object.keys(verbs).filter((verb) => loadedBy(verb, '--mistyped').files.length > 160);
  expect(many).toEqual([]);
  expect(Object.keys(verbs)).toEqual(expect.arrayContaining(apart));
}, 120_000);

it.each(apart)(
  'an option that %s does not have is refused before it is loaded',
  (verb) => {
    const { status, said, files, packages } = loadedBy(verb, '--mistyped');
    expect(status).toBe(2);
    expect(said).toContain(`error: options of ${verb}: found Unknown option '--mistyped'`);
    expect(packages).toEqual([]);
    expect(files).not.toContain(`runner/commands/${verb}.ts`);
  },
  120_000,
);

it.each([
  ['eval', 'nope'],
  ['plan', 'nope'],
  ['eval', '--set', 'sae.k=none'],
  ['eval', '--help'],
])(
  'settings are described and checked without the hub, the runtime and the job: %s %s',
  (...words) => {
    const { files, packages } = loadedBy(...words);
    expect(packages).toEqual(['hyparquet', 'long', 'protobufjs', 'zod']);
    expect(files.filter((file) => /^runner\/(?:job|hub|threads|doctor)\//.test(file))).toEqual([]);
    expect(files).not.toContain('runner/commands/eval-run.ts');
  },
  120_000,
);
