/** `build`: the report, from the records in content/. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { UserError } from '../errors.ts';
import { buildSite } from './build-site.ts';
import { optionLines } from './option-lines.ts';
import { parseOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { progressView } from './progress.ts';
import { everyVerb } from './shared-options.ts';

const options = {
  content: { type: 'string', help: 'folder that holds the records (default content)' },
  out: { type: 'string', help: 'folder that receives the report (default dist)' },
  ...everyVerb,
} as const;

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseOptions('build', args, options);
  if (values.help) {
    console.log(help());
    return 0;
  }
  const content = projectFolder('content', values.content);
  if (!existsSync(content)) {
    throw new UserError({
      thing: content,
      found: 'no such folder',
      expected: 'a folder of records',
      next: 'Run npx interpboard eval, which writes some, or name the folder with --content.',
    });
  }
  const out = projectFolder('dist', values.out);
  const view = progressView(process.stdout);
  try {
    await buildSite({ content, out, view });
    view.line(`report   ${relative(process.cwd(), out) || out}`);
  } finally {
    view.end();
  }
  return 0;
}

function help(): string {
  return [
    'usage: npx interpboard build [options]',
    '',
    'Builds the report from the records. INTERPBOARD_BASE is the path it is served under (default /), INTERPBOARD_SITE its address.',
    '',
    'Options',
    ...optionLines(options),
  ].join('\n');
}
