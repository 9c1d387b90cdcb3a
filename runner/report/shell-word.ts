/** A word as a POSIX shell reads it: in single quotes, unless the shell leaves all of its characters alone. */
export function shellWord(word: string): string {
  // A # begins a comment at the head of a word alone.
  return /^[\w@%+=:,./-][\w@%+=:,./#-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
