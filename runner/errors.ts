/**
 * The three ways a run can fail, each with its exit code. Every message is one line made of
 * four parts: the thing, what was found, what was expected, and the next step to take.
 */

import { replaceUnseen } from './report/unseen.ts';

export interface Complaint {
  /** What is wrong: a file, a field, an option, by the name the user knows it by. */
  thing: string;
  found: string;
  expected: string;
  /** What the user can do about it. */
  next: string;
}

/** Longest stretch of foreign text (file contents, names from repositories) quoted in an error. */
const QUOTE_LIMIT = 120;

/** Longest part of a message: long enough for a list of choices, or a deep path. */
const PART_LIMIT = 800;

export abstract class InterpboardError extends Error {
  abstract readonly exitCode: number;
  readonly complaint: Complaint;

  constructor(complaint: Complaint, options?: ErrorOptions) {
    super(
      oneLine(
        `${clip(complaint.thing, PART_LIMIT)}: found ${clip(complaint.found, PART_LIMIT)}; expected ${clip(complaint.expected, PART_LIMIT)}. ${clip(complaint.next, PART_LIMIT)}`,
      ),
      options,
    );
    this.name = new.target.name;
    this.complaint = complaint;
  }
}

/** A wrong option, preset, name or setting: exit code 2. */
export class UserError extends InterpboardError {
  readonly exitCode = 2;
}

/** A file that is damaged, lies about itself or breaks its format: exit code 3. */
export class MalformedError extends InterpboardError {
  readonly exitCode = 3;
}

/** Something that exists but cannot be had now: disk, memory, network, device, another process: exit code 4. */
export class UnavailableError extends InterpboardError {
  readonly exitCode = 4;
}

/** A file that is there, or should be, and cannot be read: its permissions, a folder in its place, a disk that fails. */
export function unreadable(path: string, cause: unknown): UnavailableError {
  return new UnavailableError(
    {
      thing: path,
      found: cause instanceof Error ? cause.message : String(cause),
      expected: 'a readable file',
      next: 'Check the path and its permissions.',
    },
    { cause },
  );
}

/** Foreign text made safe to print in one line: what a terminal may not be shown is escaped, length bounded. */
export function quote(text: string): string {
  return quoteUpTo(QUOTE_LIMIT, text);
}

/** The same of as many characters as are asked for. */
export function quoteUpTo(limit: number, text: string): string {
  const short = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return replaceUnseen(JSON.stringify(short), escapedUnseen);
}

/** Foreign text of a message that is not quoted, such as a field's name: its middle is left out where it is long. */
export function clip(text: string, limit = 200): string {
  if (text.length <= limit) return text;
  const half = Math.floor((limit - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}

/** What a terminal may be shown: nothing that moves the cursor, turns the direction of writing or is not seen. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  const spaced = text.replace(/[\u0000-\u001f\u007f]+/g, ' ');
  return replaceUnseen(spaced, escapedUnseen).trim();
}

/** As JavaScript writes it: \u202e, \u{e0041}. */
function escapedUnseen(found: string): string {
  const hex = found.codePointAt(0)!.toString(16).padStart(4, '0');
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`;
}
