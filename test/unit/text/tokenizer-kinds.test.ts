import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/tokenizer/kinds/', import.meta.url));
const { texts, kinds } = JSON.parse(await readFile(join(fixtures, 'golden.json'), 'utf8')) as {
  texts: string[];
  /** Of each text the first digits of a hash, one after the other. */
  kinds: Record<string, string>;
};
const DIGITS = 10;

describe('ids, ids with special tokens and decoded text equal those of the Python library', () => {
  test.each(Object.keys(kinds))('%s', async (kind) => {
    const tokenizer = await loadTokenizer(join(fixtures, kind));
    const differing = texts.filter((text, i) => {
      const ids = tokenizer.encode(text, { specialTokens: false });
      const whole = tokenizer.encode(text, { specialTokens: true });
      const data = JSON.stringify([ids, whole, tokenizer.decode(ids)]);
      const hash = createHash('sha256').update(data).digest('hex').slice(0, DIGITS);
      return hash !== kinds[kind]!.slice(DIGITS * i, DIGITS * (i + 1));
    });
    expect(differing).toEqual([]);
  });

  test('of 14 kinds and 300 texts', () => {
    expect([Object.keys(kinds).length, texts.length]).toEqual([14, 300]);
    for (const hashes of Object.values(kinds)) expect(hashes).toHaveLength(DIGITS * texts.length);
  });
});
