/** JSON of untrusted files: what is nested without end is refused where it enters, as nearly everything that reads it recurses. */

/** Records go nine deep, tokenizers twelve. */
export const MAX_NESTING = 64;

/**
 * A byte order mark before it is passed over.
 *
 * @throws SyntaxError for what is no JSON, or nested too deeply
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  checkNesting(value);
  return value;
}

/** @throws SyntaxError */
function checkNesting(value: unknown): void {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_NESTING + 1) throw new SyntaxError(`values nested more than ${MAX_NESTING} deep`);
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      for (const inner of Object.values(each))
        if (typeof inner === 'object' && inner !== null) next.push(inner);
    }
    level = next;
  }
}
