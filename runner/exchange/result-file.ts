/**
 * Result files of other evaluations, as they are found on disk. Python writes NaN and Infinity into JSON, which the
 * format does not have: they are read as null, which is what they mean here.
 */
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { clip, MalformedError, quote, UserError } from '../errors.ts';
import { parseJson } from '../formats/json.ts';

/** Above the largest known: a core file with per-latent details of 131k latents is about 60 MB. */
const FILE_LIMIT = 256 << 20;

/** A number that Python may have written as null, NaN or −1 for what was not measured. */
export const loose = z.number().nullish();

export interface ResultFile {
  path: string;
  value: unknown;
}

/**
 * @throws UserError when there is no such file
 * @throws MalformedError when it is too large or not JSON
 */
export async function readResultFile(path: string): Promise<ResultFile> {
  const { size } = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UserError({
      thing: path,
      found: error.code === 'ENOENT' ? 'no such file' : error.message,
      expected: 'a readable result file',
      next: 'Check the path.',
    });
  });
  if (size > FILE_LIMIT) {
    throw new MalformedError({
      thing: path,
      found: `${size} bytes`,
      expected: `at most ${FILE_LIMIT}`,
      next: 'Import the summary file, not raw data.',
    });
  }
  return { path, value: parsePythonJson(await readFile(path, 'utf8'), path) };
}

/** @throws MalformedError naming where the text stops being JSON */
export function parsePythonJson(text: string, name: string): unknown {
  try {
    return parseJson(text);
  } catch {
    // Maybe only for the numbers that Python adds.
  }
  try {
    return parseJson(withoutNaN(text));
  } catch (error) {
    throw new MalformedError({
      thing: name,
      found: quote(error instanceof Error ? error.message : String(error)),
      expected: 'JSON',
      next: 'Import the JSON file that the evaluation wrote.',
    });
  }
}

/** Bare NaN, Infinity and −Infinity replaced by null; strings are left as they are. */
function withoutNaN(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
    token.startsWith('"') ? token : 'null',
  );
}

/**
 * @throws MalformedError naming the first field that is wrong
 */
export function checked<T>(schema: z.ZodType<T>, { path, value }: ResultFile, kind: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MalformedError({
    thing: `${path}, ${clip(issue?.path.join('.') || 'top level')}`,
    found: clip(issue?.message ?? 'another shape'),
    expected: kind,
    next: 'Import the file as the evaluation wrote it.',
  });
}
