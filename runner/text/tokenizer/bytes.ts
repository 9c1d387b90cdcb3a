/** The byte-level alphabet: each byte as a printable character. */
const CHARACTERS: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const encoder = new TextEncoder();

export function byteCharacters(text: string): string {
  let result = '';
  for (const byte of encoder.encode(text)) result += CHARACTERS[byte];
  return result;
}

const BYTES: ReadonlyMap<string, number> = new Map(CHARACTERS.map((character, byte) => [character, byte]));

/** The bytes that a token's characters stand for; those of the token itself where one stands for none. */
export function bytesOf(token: string): readonly number[] | Uint8Array {
  const bytes = [...token].map((character) => BYTES.get(character));
  return bytes.every((byte) => byte !== undefined) ? bytes : encoder.encode(token);
}
