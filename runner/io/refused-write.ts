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
