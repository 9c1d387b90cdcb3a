/** `init`: the files of a project of one's own, whose records become a report on GitHub Pages. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { UserError } from '../errors.ts';
import { optionLines } from './option-lines.ts';
import { parseOptions } from './parse-options.ts';
import { programRoot } from './paths.ts';
import { projectFiles } from './project-files.ts';
import { everyVerb } from './shared-options.ts';

const options = {
  published: {
    type: 'boolean',
    help: 'begin with figures that others published, in content/published, beside which yours will stand',
  },
  ...everyVerb,
} as const;

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('init', args, options, {
    most: 1,
    expected: 'one folder, or none for this one',
  });
  if (values.help) {
    console.log(help());
    return 0;
  }
  const folder = resolve(positionals[0] ?? '.');
  const { version } = JSON.parse(await readFile(join(programRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const files = projectFiles(packageName(basename(folder)), version);
  const published = join('content', 'published');
  const there = [...Object.keys(files), ...(values.published ? [published] : [])].filter((file) =>
    existsSync(join(folder, file)),
  );
  // All are looked for before one is written: nothing of the user's is written over, and nothing is half made.
  if (there.length > 0) {
    throw new UserError({
      thing: `folder ${relative(process.cwd(), folder) || '.'}`,
      found: there.join(', '),
      expected: 'none of the files that init writes',
      next: 'Choose another folder, or move these away.',
    });
  }
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'wx' });
    console.log(`wrote  ${file}`);
  }
  if (values.published) {
    await cp(join(programRoot, published), join(folder, published), { recursive: true });
    console.log('wrote  content/published');
  }
  const place = relative(process.cwd(), folder);
  console.log(
    `\nNext:  ${place === '' ? '' : `cd ${place} && `}npm install && npm run eval    (README.md says the rest)`,
  );
  return 0;
}

/** A folder's name as npm takes names. */
function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  // npm resolves the program's name, and would find the project itself.
  return name === '' || name === 'interpboard' ? 'sae-report' : name.slice(0, 100);
}

function help(): string {
  return [
    'usage: npx interpboard init [FOLDER] [options]',
    '',
    'Writes a project: package.json, run.json with the settings of a first run, content/ for records, a README, and workflows of',
    'GitHub that publish the report and check records that others send. Files that are there are never written over.',
    '',
    'Options',
    ...optionLines(options),
  ].join('\n');
}
