import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { openContentCache } from '../../../runner/io/content-cache.ts';
import { encodedTexts } from '../../../runner/text/encoded-texts.ts';
import { loadTokenizer, TOKENIZERS_VERSION } from '../../../runner/text/tokenizer.ts';

const texts = ['The cook put the kettle on.', '', 'The cook', 'a b c d e f g h i j k l m n o p'];

test('kept ids are those that the tokenizer gives, and follow tokenizer, texts and limit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-ids-'));
  const cache = await openContentCache(folder, 2 ** 20, 'test program');
  try {
    const tokenizer = await loadTokenizer(demoModelFolder);
    const expected = texts.map((text) => tokenizer.encode(text, { specialTokens: true }).slice(0, 5));
    expect(await encodedTexts(tokenizer, texts, 5, undefined)).toEqual(expected);
    expect(await encodedTexts(tokenizer, texts, 5, cache)).toEqual(expected);
    await cache.settled();
    // From here on what is kept answers: this tokenizer would say otherwise.
    const deaf = { ...tokenizer, encode: () => [7] };
    expect(await encodedTexts(deaf, texts, 5, cache)).toEqual(expected);
    expect((await encodedTexts(deaf, texts, 4, cache))[0]).toEqual([7]);
    expect((await encodedTexts(deaf, texts.slice(1), 5, cache))[1]).toEqual([7]);
    expect((await encodedTexts({ ...deaf, identity: 'another' }, texts, 5, cache))[0]).toEqual([7]);
  } finally {
    await cache.settled();
    await rm(folder, { recursive: true, force: true });
  }
});

test('the version of the library that ids are kept under is the one installed', () => {
  expect(manifest.dependencies['@huggingface/tokenizers']).toBe(TOKENIZERS_VERSION);
});
