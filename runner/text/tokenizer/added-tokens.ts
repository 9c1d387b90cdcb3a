/** Added tokens: found in a text before and after it is normalised, longest first, as in the Python library. */
import { z } from 'zod';
import { type Normalize, trimEnd } from './normalizers.ts';

export const addedToken = z.object({
  id: z.int().nonnegative(),
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(true),
  special: z.boolean().default(false),
});
export type AddedToken = z.infer<typeof addedToken>;

/** A stretch of text without an id, or an added token. `first`: it stands at the start of the text. */
export type Section = { id: number } | { text: string; first: boolean };

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const WORD_AT_START = new RegExp(`^${WORD}`, 'u');
const WORD_AT_END = new RegExp(`${WORD}$`, 'u');
const SPACE_AT_START = /^\p{White_Space}*/u;

/** @param normalize what the tokens that are found after normalising are normalised by */
export function sectioner(tokens: readonly AddedToken[], normalize: Normalize): (text: string) => Section[] {
  // Special ones first: of two with the same content the first is found.
  const ordered = [...tokens.filter(({ special }) => special), ...tokens.filter(({ special }) => !special)];
  const before = finder(
    ordered.filter(({ normalized }) => !normalized),
    (content) => content,
  );
  const after = finder(
    ordered.filter(({ normalized }) => normalized),
    normalize,
  );
  return (text) => {
    const sections: Section[] = [];
    for (const [at, section] of before(text).entries()) {
      if ('id' in section) {
        sections.push(section);
        continue;
      }
      for (const each of after(normalize(section.text)))
        sections.push('id' in each ? each : { text: each.text, first: each.first && at === 0 });
    }
    return sections;
  };
}

function finder(tokens: readonly AddedToken[], contentOf: Normalize): (text: string) => Section[] {
  const byContent = new Map<string, AddedToken>();
  for (const token of tokens) {
    const content = contentOf(token.content);
    if (token.content !== '' && content !== '' && !byContent.has(content)) byContent.set(content, token);
  }
  if (byContent.size === 0) return (text) => (text === '' ? [] : [{ text, first: true }]);
  const find = longestMatches(byContent);
  return (text) => {
    const sections: Section[] = [];
    let at = 0;
    for (const found of find(text)) {
      const { token } = found;
      let { start, end } = found;
      if (
        token.single_word &&
        (WORD_AT_END.test(lastOf(text, start)) || WORD_AT_START.test(text.slice(end, end + 2)))
      )
        continue;
      if (token.lstrip) start = Math.max(at, trimEnd(text.slice(at, start)).length + at);
      if (token.rstrip) end += SPACE_AT_START.exec(text.slice(end))![0].length;
      if (at < start) sections.push({ text: text.slice(at, start), first: at === 0 });
      sections.push({ id: token.id });
      at = end;
    }
    if (at < text.length) sections.push({ text: text.slice(at), first: at === 0 });
    return sections;
  };
}

/** The last one or two code units before a place: its last character is whole among them. */
function lastOf(text: string, end: number): string {
  return text.slice(Math.max(0, end - 2), end);
}

interface Node {
  token: AddedToken | null;
  next: Map<number, Node>;
}

/** From the left the longest content at each place, none within another. Thousands of contents cost no more than few. */
function longestMatches(
  byContent: ReadonlyMap<string, AddedToken>,
): (text: string) => Generator<{ token: AddedToken; start: number; end: number }> {
  const root: Node = { token: null, next: new Map() };
  for (const [content, token] of byContent) {
    let node = root;
    for (let i = 0; i < content.length; i++) {
      const unit = content.charCodeAt(i);
      let next = node.next.get(unit);
      if (next === undefined) {
        next = { token: null, next: new Map() };
        node.next.set(unit, next);
      }
      node = next;
    }
    node.token = token;
  }
  return function* (text) {
    for (let start = 0; start < text.length; ) {
      let [token, end]: [AddedToken | null, number] = [null, start + 1];
      let node = root.next.get(text.charCodeAt(start));
      for (let at = start + 1; node !== undefined; node = node.next.get(text.charCodeAt(at++)))
        if (node.token !== null) [token, end] = [node.token, at];
      if (token !== null) yield { token, start, end };
      start = end;
    }
  };
}
