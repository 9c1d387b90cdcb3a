/** A tokenizer whose vocabulary is words of the first-letter task, and what its lines are made of. */

const letters = [...'abcdefghijklmnopqrstuvwxyz'];
export const made = letters.flatMap((letter) => Array.from('abcdefghijklmnop', (end) => `${letter}${end}`));
/** Words of the prompt's lines, which are words of letters alone as well. */
export const lineWords = [
  ...[' has', ' the', ' first', ' letter'],
  ...letters.map((each) => ` ${each.toUpperCase()}`),
];
export const [BOS, EOS] = [0, 1];
export const vocabulary = ['<s>', '</s>', '#', '\n', ':', ...lineWords, ...made];
/** A tenth of the words come in two tokens where they stand in a line, although each is a token of its own. */
export const inTwo = new Set(made.filter((_, i) => i % 10 === 3));

/** @param around special tokens before and after every text */
export function spellingTokenizer(around: readonly [number[], number[]] = [[], []]) {
  const plain = (text: string): number[] =>
    (text.match(/\n|:| [A-Za-z]+|[a-z]+/g) ?? []).flatMap((piece) => {
      const id = vocabulary.indexOf(piece);
      return inTwo.has(piece) ? [id, vocabulary.indexOf('#')] : [id];
    });
  const encode = (text: string, { specialTokens }: { specialTokens: boolean }): number[] =>
    specialTokens ? [...around[0], ...plain(text), ...around[1]] : plain(text);
  return {
    encode,
    encodeAll: async (texts: readonly string[], limit: number) =>
      texts.map((text) => encode(text, { specialTokens: true }).slice(0, limit)),
    decode: (ids: readonly number[]) => ids.map((id) => vocabulary[id]).join(''),
    special: new Set([BOS, EOS]),
    begin: BOS,
    size: vocabulary.length,
  };
}
