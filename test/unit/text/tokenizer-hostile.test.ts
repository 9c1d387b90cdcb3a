import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { guarded } from '../../../runner/text/tokenizer/guard.ts';
import { pipeline } from '../../../runner/text/tokenizer/pipeline.ts';
import { loadTokenizer, type Tokenizer } from '../../../runner/text/tokenizer.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/tokenizer/', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fixture(kind: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(fixtures, kind, 'tokenizer.json'), 'utf8')) as Record<
    string,
    unknown
  >;
}

async function laid(files: Readonly<Record<string, unknown>>): Promise<Tokenizer> {
  const place = await mkdtemp(join(folder, 'case-'));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(place, name), typeof content === 'string' ? content : JSON.stringify(content));
  return loadTokenizer(place);
}

describe('what cannot be computed as the Python library does is refused by name', () => {
  const words = { type: 'WordLevel', vocab: { a: 0 }, unk_token: '[UNK]' };
  test.each([
    ['the normalizer Precompiled', { normalizer: { type: 'Precompiled', precompiled_charsmap: '' } }],
    ['the normalizer Nmt', { normalizer: { type: 'Sequence', normalizers: [{ type: 'Nmt' }] } }],
    ['the pre-tokenizer UnicodeScripts', { pre_tokenizer: { type: 'UnicodeScripts' } }],
    ['the decoder CTC', { decoder: { type: 'CTC' } }],
    ['the post-processor Other', { post_processor: { type: 'Other' } }],
    ['the model Other', { model: { ...words, type: 'Other' } }],
    ['with id 7, where the library gives it 1', { added_tokens: [{ id: 7, content: '<x>' }] }],
    ['dropout', { model: { type: 'BPE', vocab: { a: 0 }, merges: [], dropout: 0.1 } }],
    ['Too big', { model: { ...words, vocab: { a: 1e12 } } }],
    ['Too big', { added_tokens: [{ id: 1e12, content: '<x>' }] }],
  ])('%s', async (reason, parts) => {
    const made = laid({ 'tokenizer.json': { model: words, ...parts } });
    await expect(made).rejects.toBeInstanceOf(MalformedError);
    await expect(made).rejects.toThrow(reason);
  });

  test('what fails while encoding is a malformed file too', async () => {
    const tokenizer = await laid({ 'tokenizer.json': { model: words } });
    expect(tokenizer.encode('a', { specialTokens: false })).toEqual([0]);
    const encode = (): number[] => tokenizer.encode('b', { specialTokens: false });
    expect(encode).toThrow(MalformedError);
    expect(encode).toThrow(/tokenizer\.json.*the unknown word/);
  });
});

describe('a tokenizer cannot run away', () => {
  test('a regular expression that tries every way to match is ended', () => {
    const slow = /(a+)+$/u;
    expect(() => guarded(() => slow.test(`${'a'.repeat(60)}b`), 100)).toThrow(
      'a text that takes more than 0.1 s',
    );
    expect(guarded(() => guarded(() => 5) + 1)).toBe(6);
  });

  test('patterns of well-known families do without the limit, others do not', async () => {
    for (const kind of [
      'families/gpt2',
      'families/llama3',
      'families/qwen',
      'families/gemma',
      'kinds/deepseek',
      'kinds/o200k',
    ])
      expect([kind, pipeline(await fixture(kind)).trusted]).toEqual([kind, true]);
    for (const kind of ['kinds/digits', 'kinds/unigram', 'kinds/bert'])
      expect([kind, pipeline(await fixture(kind)).trusted]).toEqual([kind, false]);
  });

  test('replacements that follow each other', async () => {
    const doubled = { type: 'Replace', pattern: { String: 'a' }, content: 'aaaaaaaaaa' };
    const tokenizer = await laid({
      'tokenizer.json': {
        model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: 'a' },
        normalizer: { type: 'Sequence', normalizers: Array.from({ length: 12 }, () => doubled) },
      },
    });
    expect(() => tokenizer.encode('aaaa', { specialTokens: false })).toThrow(
      /a normalizer that makes 4 characters/,
    );
  });

  test('thousands of added tokens', async () => {
    const file = await fixture('families/gpt2');
    const added = file.added_tokens as { id: number; content: string }[];
    const more = Array.from({ length: 20_000 }, (_, i) => ({
      ...added[0]!,
      id: 601 + i,
      content: `<unused${i}>`,
    }));
    const tokenizer = await laid({ 'tokenizer.json': { ...file, added_tokens: [...added, ...more] } });
    const text = '<unused19999><unused19><unuse> < <<unused7> '.repeat(2_000);
    const ids = tokenizer.encode(text, { specialTokens: false });
    expect(ids.slice(0, 2)).toEqual([20_600, 620]);
    expect(tokenizer.decode(ids)).toBe(text);
  });
});

describe('special tokens, as transformers finds them', () => {
  const END = '<|endoftext|>';
  test.each([
    ['gpt2', 'gpt2', { 'tokenizer_config.json': { model_max_length: 1024 } }, [END, END, null]],
    ['gpt2', 'gpt2', {}, [END, END, null]],
    ['neox', 'gpt_neox', {}, [END, END, '<|padding|>']],
    ['qwen', 'qwen3', {}, [null, END, END]],
    ['qwen', 'qwen3', { 'tokenizer_config.json': { eos_token: '<|im_end|>' } }, [null, '<|im_end|>', END]],
    ['gemma', 'gemma3_text', {}, ['<bos>', '<eos>', '<pad>']],
    ['llama2', 'llama', {}, [null, null, null]],
    [
      'llama2',
      'llama',
      { 'tokenizer_config.json': '\ufeff{"bos_token":{"content":"<s>"}}' },
      ['<s>', null, null],
    ],
    [
      'llama2',
      'llama',
      {
        'tokenizer_config.json': { bos_token: '<unk>' },
        'special_tokens_map.json': { bos_token: '<s>', eos_token: '</s>' },
      },
      ['<s>', '</s>', null],
    ],
  ])('%s as %s with %j', async (kind, model_type, files, expected) => {
    const tokenizer = await laid({
      'tokenizer.json': await fixture(`families/${kind}`),
      'config.json': { model_type, bos_token_id: 1, eos_token_id: 2 },
      ...files,
    });
    const { bosTokenId, eosTokenId, padTokenId } = tokenizer;
    const names = [bosTokenId, eosTokenId, padTokenId].map((id) =>
      id === null ? null : tokenizer.decode([id]),
    );
    expect(names).toEqual(expected);
  });
});
