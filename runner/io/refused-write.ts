import { UnavailableError } from '../errors.ts';

/** What to expect and to do where the system refused to write, by its reason: a file that is held does not need a larger disk. */
export interface RefusedWrite {
  found: string;
  expected: string;
  /** The start of the advice, without a full stop: what follows depends on what was being written. */
  next: string;
}

/** @param cause what the file system threw */
export function refusedWrite(cause: unknown): RefusedWrite {
  const found = cause instanceof Error ? cause.message : String(cause);
  switch ((cause as NodeJS.ErrnoException | null)?.code) {
    case 'EPERM':
    case 'EACCES':
    case 'EBUSY':
      return {
        found,
        expected: 'a writable folder, and files that no other program holds open',
        next: 'Close the program that has the file open (an editor, a virus scanner), or choose another folder',
      };
    case 'EROFS':
      return { found, expected: 'a writable folder', next: 'Choose another folder' };
    default:
      return {
        found,
        expected: 'a writable folder with free space',
        next: 'Free space or choose another folder',
      };
  }
}

/** What the file system may refuse at any path that a user names. That nothing is there (ENOENT) is not among them: who opens a file says what it is. */
const REFUSALS: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EBUSY',
  'EDQUOT',
  'EFBIG',
  'EIO',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
]);

/** What the file system refused, of an error that nobody has put into words; null where it is another error. */
export function refusedByFileSystem(error: unknown): UnavailableError | null {
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (!(error instanceof Error) || syscall === undefined || !REFUSALS.has(code)) return null;
  const next = 'Check the paths that were given; --debug shows what was being done.';
  const { next: advice, ...refused } = refusedWrite(error);
  return code === 'ENOTDIR' || code === 'EISDIR'
    ? new UnavailableError(
        {
          thing: path ?? 'a path',
          found: error.message,
          expected: 'files where there are files, and folders where there are folders',
          next,
        },
        { cause: error },
      )
    : new UnavailableError({ thing: path ?? 'a file', ...refused, next: `${advice}.` }, { cause: error });
}
