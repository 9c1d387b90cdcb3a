import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { UserError } from '../../../runner/errors.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { knownTokens, tokensBeyond } from '../../../runner/lm/known-tokens.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';
import { openEverywhere } from './golden.ts';

const tokenizer = await loadTokenizer(demoModelFolder);
const last = tokenizer.vocabSize - 1;

it('a tokenizer larger than the model is said, with the first token beyond it', () => {
  expect(tokensBeyond(tokenizer, tokenizer.vocabSize)).toBeNull();
  const found = tokensBeyond(tokenizer, last);
  expect(found).toContain(`token ${last} (${JSON.stringify(tokenizer.decode([last]))})`);
  expect(tokensBeyond(tokenizer, 300)).toContain(
    `tokens from 300 (${JSON.stringify(tokenizer.decode([300]))}) on`,
  );
});

it('text that holds such a token is refused by its name, other text is not', () => {
  expect(knownTokens(tokenizer, tokenizer.vocabSize)).toBe(tokenizer);
  const known = knownTokens(tokenizer, last);
  const text = 'The cat sat on the mat.';
  const ids = tokenizer.encode(text, { specialTokens: false });
  expect(known.encode(text, { specialTokens: false })).toEqual(ids);
  const largest = Math.max(...ids);
  const refused = () => knownTokens(tokenizer, largest).encode(text, { specialTokens: false });
  expect(refused).toThrow(UserError);
  expect(refused).toThrow(
    `token ${largest} (${JSON.stringify(tokenizer.decode([largest]))}): found a language model with`,
  );
});

it('ids beyond the embedding never reach the runtime', async () => {
  const folder = fileURLToPath(new URL('../../fixtures/lm/llama', import.meta.url));
  const model = await openEverywhere(await openCheckpoint(folder));
  for (const id of [101, -1]) {
    const batch = { ids: Int32Array.of(1, id, 2), rows: 1, tokens: 3 };
    await expect(model.residuals(batch)).rejects.toThrow(
      `token ${id}: found a language model with embeddings of 101`,
    );
  }
  await model.close();
});
