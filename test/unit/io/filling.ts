/** Folders that are whole or not; as a program, makes one anew without end and says each time which. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rebuildFolder } from '../../../runner/io/rebuilt-folder.ts';

const FILES = 5;

export async function fill(folder: string, text: string): Promise<void> {
  await mkdir(join(folder, 'in'), { recursive: true });
  for (let i = 0; i < FILES; i++) await writeFile(join(folder, 'in', String(i)), text);
}

/** What a whole folder was filled with. */
export async function filledBy(folder: string): Promise<string> {
  const names = await readdir(join(folder, 'in'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'in', name), 'utf8')));
  const [text] = texts;
  if (names.length !== FILES || text === undefined || texts.some((each) => each !== text)) {
    throw new Error(`${names.length} files: ${texts.join(', ')}`);
  }
  return text;
}

if (process.argv[1] === import.meta.filename) {
  const [folder = ''] = process.argv.slice(2);
  for (let i = 0; ; i++) {
    await rebuildFolder(folder, (made) => fill(made, String(i)));
    process.stdout.write(`${i}\n`);
  }
}
