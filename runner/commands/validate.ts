/** `validate`: holds records to their format, such as those that somebody sent. */

import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { clip, MalformedError, UserError } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { checkContent } from '../report/content-files.ts';
import { counted } from '../report/counted.ts';
import { explanationsVersion } from '../report/explanations.ts';
import { checkFeatures } from '../report/feature-files.ts';
import { windowsVersion } from '../report/feature-windows.ts';
import { featuresVersion, shardVersion } from '../report/features.ts';
import { liveVersion } from '../report/live.ts';
import { readLive } from '../report/live-files.ts';
import { jsonFilesIn } from './json-files.ts';
import { optionLines } from './option-lines.ts';
import { ANY_WORDS, parseOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { everyVerb } from './shared-options.ts';

const options = {
  ...everyVerb,
} as const;

/** A record has some hundred kilobytes, a table of a thousand published ones some megabytes. */
const FILE_LIMIT = 64 << 20;

/** @returns 0 when all are well, 3 when one is not */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('validate', args, options, ANY_WORDS);
  if (values.help) {
    console.log(help());
    return 0;
  }
  const files: string[] = [];
  for (const path of positionals.length > 0 ? positionals : [projectFolder('content')])
    files.push(...(await filesAt(path)));
  /** Of each record the file that has it: one id is one page. */
  const owners = new Map<string, string>();
  let wrong = 0;
  for (const file of files) {
    const fault = await faultOf(file, owners);
    if (fault === null) continue;
    wrong++;
    console.error(`refused ${fault}`);
  }
  if (wrong > 0) {
    throw new MalformedError({
      thing: 'records',
      found: `${wrong} of ${counted(files.length, 'file')} not well`,
      expected: 'records of the format that docs/reference/record.md describes',
      next: 'Mend or leave out the files named above.',
    });
  }
  console.log(`${counted(owners.size, 'record')} in ${counted(files.length, 'file')}, all well`);
  return 0;
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) {
    throw new UserError({
      thing: path,
      found: 'no such file or folder',
      expected: 'records: a .json file, or a folder of them',
      next: 'Check the path.',
    });
  }
  return found.isDirectory() ? jsonFilesIn(path) : [path];
}

/** What is wrong with a file, with its path; null for nothing. */
async function faultOf(file: string, owners: Map<string, string>): Promise<string | null> {
  const { size } = await stat(file);
  if (size > FILE_LIMIT) return `${file}: ${size} bytes; expected at most ${FILE_LIMIT}`;
  try {
    const text = await readFile(file, 'utf8');
    // What is nested without end is refused before anything walks through it.
    const value = parseJson(text);
    if (isOf(value, [featuresVersion, shardVersion, windowsVersion, explanationsVersion])) {
      checkFeatures(basename(file), text, file);
      return null;
    }
    if (isOf(value, [liveVersion])) {
      readLive(file);
      return null;
    }
    for (const { id } of checkContent(file, text).records) {
      const owner = owners.get(id);
      if (owner !== undefined) return `${file}: id ${id}, which ${owner} has`;
      owners.set(id, file);
    }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return clip(said.includes(file) ? said : `${file}: ${said}`, 800);
  }
  return null;
}

/** Whether it is of one of the formats that lie beside the records. */
function isOf(value: unknown, versions: readonly unknown[]): boolean {
  return typeof value === 'object' && value !== null && 'schema' in value && versions.includes(value.schema);
}

function help(): string {
  return [
    'usage: npx interpboard validate [FILE or FOLDER …] [options]',
    '',
    'Holds records to their format, those in content/ unless others are named: what a report would be built from.',
    'Exit code: 0 all are well, 3 one is not.',
    '',
    'Options',
    ...optionLines(options),
  ].join('\n');
}
