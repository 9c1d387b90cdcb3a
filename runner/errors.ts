/**
 * The three ways a run can fail, each with its exit code. Every message is one line made of
 * four parts: the thing, what was found, what was expected, and the next step to take.
 */

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

export abstract class InterpboardError extends Error {
  abstract readonly exitCode: number;
  readonly complaint: Complaint;

  constructor(complaint: Complaint, options?: ErrorOptions) {
    super(
      oneLine(
        `${complaint.thing}: found ${complaint.found}; expected ${complaint.expected}. ${complaint.next}`,
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

/** Foreign text made safe to print in one line: control characters escaped, length bounded. */
export function quote(text: string): string {
  const short = text.length > QUOTE_LIMIT ? `${text.slice(0, QUOTE_LIMIT)}…` : text;
  return JSON.stringify(short);
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
}
