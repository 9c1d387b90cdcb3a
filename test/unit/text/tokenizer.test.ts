import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { MalformedError, UnavailableError } from '../../../runner/errors.ts';
import { loadTokenizer, type Tokenizer } from '../../../runner/text/tokenizer.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/tokenizer', import.meta.url));

interface Golden {
  ids: number[];
  /** 'same' when special tokens change nothing, else the first and the last id with them. */
  special: 'same' | [number, number];
  /** Absent when it is the text itself. */
  decoded?: string;
}
type Case = { text: string } & Partial<Record<'embedded' | 'tiny', Golden>>;

const cases = JSON.parse(await readFile(join(fixtures, 'golden.json'), 'utf8')) as Case[];
const good = await readFile(join(fixtures, 'tiny', 'tokenizer.json'), 'utf8');

describe.each([
  ['embedded', demoModelFolder],
  ['tiny', join(fixtures, 'tiny')],
] as const)('%s tokenizer against the Python library', (name, folder) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(folder);
  });

  test.each(
    cases.flatMap(({ text, [name]: expected }) =>
      expected ? [[text.slice(0, 40), text, expected] as const] : [],
    ),
  )('%j', (_, text, expected) => {
    const ids = tokenizer.encode(text, { specialTokens: false });
    expect(ids).toEqual(expected.ids);
    expect(tokenizer.decode(ids)).toBe(expected.decoded ?? text);
    const special = tokenizer.encode(text, { specialTokens: true });
    expect(special).toEqual(
      expected.special === 'same'
        ? expected.ids
        : [expected.special[0], ...expected.ids, expected.special[1]],
    );
  });
});

test('ids by name, and the size of the vocabulary', async () => {
  const embedded = await loadTokenizer(demoModelFolder);
  expect(embedded.vocabSize).toBe(2048);
  expect(embedded.bosTokenId).toBeNull();
  expect(embedded.decode([embedded.eosTokenId ?? -1, embedded.padTokenId ?? -1])).toBe(
    '<|im_end|><|endoftext|>',
  );
  const tiny = await loadTokenizer(join(fixtures, 'tiny'));
  expect([tiny.vocabSize, tiny.bosTokenId, tiny.eosTokenId, tiny.padTokenId]).toEqual([320, 318, 319, null]);
});

test('the chat template, with thinking and without', async () => {
  const { applyChat } = await loadTokenizer(demoModelFolder);
  const messages = [
    { role: 'user', content: 'Where is the hat?' },
    { role: 'assistant', content: '<think>\nNobody took it.\n</think>\n\nIn the hall.' },
  ];
  expect(applyChat(messages, { thinking: true })).toBe(
    '<|im_start|>user\nWhere is the hat?<|im_end|>\n<|im_start|>assistant\n<think>\nNobody took it.\n</think>\n\nIn the hall.<|im_end|>\n',
  );
  expect(applyChat(messages, { thinking: false })).toBe(
    '<|im_start|>user\nWhere is the hat?<|im_end|>\n<|im_start|>assistant\nIn the hall.<|im_end|>\n',
  );
});

describe('damaged folders', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function lay(tokenizer: string | null, config: string, template?: string): Promise<string> {
    const place = await mkdtemp(join(folder, 'case-'));
    if (tokenizer !== null) await writeFile(join(place, 'tokenizer.json'), tokenizer);
    await writeFile(join(place, 'tokenizer_config.json'), config);
    if (template !== undefined) await writeFile(join(place, 'chat_template.jinja'), template);
    return place;
  }

  test.each([
    ['not JSON', good.slice(0, 200), '{}'],
    ['no model', '{"version":"1.0"}', '{}'],
    ['a model without vocabulary', '{"model":{"type":"BPE"}}', '{}'],
    ['an id that is no number', good.replace('"<s>"', '"<s>","id":"x"'), '{}'],
    [
      'an unknown kind of model',
      good.replace('"type":"BPE"', '"type":"Nonsense"').replace('"type": "BPE"', '"type": "Nonsense"'),
      '{}',
    ],
    ['an unknown end token', good, '{"eos_token":"<|nowhere|>"}'],
    ['a list for a token', good, '{"eos_token":[1]}'],
    ['a template that does not parse', good, '{"chat_template":"{% for %}"}'],
  ])('%s is malformed', async (_, tokenizer, config) => {
    const place = await lay(tokenizer, config);
    const failure = loadTokenizer(place);
    await expect(failure).rejects.toBeInstanceOf(MalformedError);
    await expect(failure).rejects.toThrow(place);
  });

  test('a missing file is unavailable', async () => {
    await expect(loadTokenizer(await lay(null, '{}'))).rejects.toBeInstanceOf(UnavailableError);
  });

  test('a missing chat template fails when it is needed', async () => {
    const tokenizer = await loadTokenizer(await lay(good, '{}'));
    expect(() => tokenizer.applyChat([], { thinking: true })).toThrow(/no chat_template/);
  });

  test('a template file stands before the configuration, and its own errors are reported', async () => {
    const place = await lay(
      good,
      '{"chat_template":"old"}',
      'new {{ raise_exception("roles must alternate") }}',
    );
    const tokenizer = await loadTokenizer(place);
    expect(() => tokenizer.applyChat([], { thinking: true })).toThrow(
      /chat_template\.jinja.*roles must alternate/,
    );
  });
});
