/** The documentation as a reader has it: pages, their blocks of code, the commands in them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface Page {
  /** From the root of the repository, with / between folders. */
  path: string;
  text: string;
}

/** Every page for readers: those of docs/, and those that lie at the root. */
export async function readPages(): Promise<Page[]> {
  const named = async (folder: string) =>
    (await readdir(join(root, folder), { recursive: folder !== '' }))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name).replaceAll('\\', '/'));
  const paths = [...(await named('')), ...(await named('docs'))].sort();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })));
}

/** Blocks of code that are indented by four spaces, without the indent. */
export function blocksOf({ text }: Page): string[] {
  return [...text.matchAll(/(?<=\n\n)(?: {4}[^\n]*\n(?:\n(?= {4}))?)+/g)].map(([block]) =>
    block.replace(/^ {4}/gm, '').trim(),
  );
}

/** Lines that a reader would type, without what stands after them in another column. */
export function commandsOf(page: Page): string[] {
  return blocksOf(page)
    .flatMap((block) => block.split('\n'))
    .filter((line) => /^(?:npm|npx|node) /.test(line))
    .flatMap((line) => line.replace(/ +# .*$| {2,}.*$/, '').split(' && '))
    .map((line) => line.replace(/ …$/, '').trim());
}

/** A command's words, as a shell makes them. */
export function wordsOf(command: string): string[] {
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|\S)+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
  );
}

/** JSON that a reader would put into a file for --config. */
export function configsOf(page: Page): unknown[] {
  return blocksOf(page)
    .filter((block) => block.startsWith('{'))
    .map((block) => JSON.parse(block));
}
