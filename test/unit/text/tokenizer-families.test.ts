import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadTokenizer, type Tokenizer } from '../../../runner/text/tokenizer.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/tokenizer/families/', import.meta.url));
const kinds = ['gpt2', 'neox', 'llama3', 'qwen', 'gemma', 'llama2', 'mistral'] as const;

/** In full, or of a long text the number of its ids and their hash. */
const idsOf = z.union([
  z.object({ ids: z.array(z.int()), decoded: z.string().optional() }),
  z.object({ count: z.int(), sha256: z.string(), same: z.boolean() }),
]);
const golden = z
  .array(
    z.object({
      piece: z.string(),
      times: z.int(),
      ...Object.fromEntries(kinds.map((kind) => [kind, idsOf])),
    }),
  )
  .parse(JSON.parse(await readFile(join(fixtures, 'golden.json'), 'utf8'))) as ({
  piece: string;
  times: number;
} & Record<(typeof kinds)[number], z.infer<typeof idsOf>>)[];

const bos: Record<(typeof kinds)[number], string | null> = {
  gpt2: null,
  neox: null,
  llama3: '<|begin_of_text|>',
  qwen: null,
  gemma: '<bos>',
  llama2: '<s>',
  mistral: '<s>',
};

describe.each(kinds)('%s: ids and text equal those of the Python library', (kind) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(join(fixtures, kind));
  });

  it.each(golden.map((each) => [each.piece.slice(0, 40), each.times, each] as const))(
    '%j, %i times',
    (_start, _times, { piece, times, [kind]: expected }) => {
      const text = piece.repeat(times);
      const ids = tokenizer.encode(text, { specialTokens: false });
      if ('ids' in expected) {
        expect(ids).toEqual(expected.ids);
        expect(tokenizer.decode(ids)).toBe(expected.decoded ?? text);
      } else {
        expect(ids.length).toBe(expected.count);
        const bytes = Buffer.from(Int32Array.from(ids).buffer);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.sha256);
        expect(tokenizer.decode(ids) === text).toBe(expected.same);
      }
    },
  );

  it('puts its BOS before a text, once, only when asked to', () => {
    const plain = tokenizer.encode('The market', { specialTokens: false });
    const whole = tokenizer.encode('The market', { specialTokens: true });
    const name = bos[kind];
    expect(whole).toEqual(name === null ? plain : [tokenizer.bosTokenId, ...plain]);
    if (name !== null) expect(tokenizer.decode(whole.slice(0, 1))).toBe(name);
  });
});

describe('what a JavaScript library easily does otherwise than the Python one', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('a token that takes the spaces beside it takes U+0085, and leaves U+FEFF', async () => {
    const tokenizer = await loadTokenizer(join(fixtures, 'llama2'));
    const decoded = (text: string): string =>
      tokenizer.decode(tokenizer.encode(text, { specialTokens: false }));
    expect(decoded('<|end|>\ufeffa')).toContain('\ufeff');
    expect(decoded('<|end|>\u0085a')).not.toContain('\u0085');
  });

  it('a text that is normalised to an added token of texts before that is not the token', async () => {
    const path = join(fixtures, 'gemma', 'tokenizer.json');
    const file = JSON.parse(await readFile(path, 'utf8'));
    file.model.merges = file.model.merges.filter((pair: string[]) => !/^▁+$/.test(pair.join('')));
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(file));
    await writeFile(join(folder, 'tokenizer_config.json'), '{}');
    const tokenizer = await loadTokenizer(folder);
    const encode = (text: string): number[] => tokenizer.encode(text, { specialTokens: false });
    expect(encode('▁▁▁')).toHaveLength(1);
    expect(encode('   ')).toHaveLength(3);
    expect(encode('a   ')).toHaveLength(4);
  });
});
