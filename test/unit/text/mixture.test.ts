import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { MalformedError } from '../../../runner/errors.ts';
import { demoMixture } from '../../../runner/text/demo-source.ts';
import { extractor, extractText } from '../../../runner/text/extract.ts';
import { documentHash } from '../../../runner/text/holdout.ts';
import {
  type MixedText,
  type MixturePosition,
  mixture,
  startOfMixture,
} from '../../../runner/text/mixture.ts';
import type { TextSource } from '../../../runner/text/source.ts';

const template = {
  applyChat: (turns: readonly { role: string; content: string }[]) =>
    turns.map((t) => `${t.role}: ${t.content}`).join('\n'),
};

function listSource(name: string, weight: number, texts: readonly string[], log: string[] = []): TextSource {
  return {
    name,
    weight,
    extractor: { kind: 'text', field: 'text' },
    async *rows(start) {
      try {
        for (let i = start.row; i < texts.length; i++) {
          log.push(`${name} ${i}`);
          yield {
            value: { text: texts[i] },
            place: `${name} ${i}`,
            next: { file: 0, row: i + 1, byte: 0 },
          };
        }
      } finally {
        log.push(`${name} closed`);
      }
    },
  };
}

const long = (label: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${label} ${i} ${'and so on '.repeat(6)}`);

async function take(texts: AsyncIterable<MixedText>, count: number): Promise<MixedText[]> {
  const taken: MixedText[] = [];
  for await (const text of texts) {
    taken.push(text);
    if (taken.length === count) break;
  }
  return taken;
}

describe('mixture', () => {
  test('is the same for the same seed and another for another', async () => {
    const sources = demoMixture(42);
    const [a, b] = await Promise.all(
      [1, 2].map(() => take(mixture(sources, startOfMixture(sources, 42), template), 50)),
    );
    expect(a).toEqual(b);
    const c = await take(mixture(sources, startOfMixture(sources, 7), template), 50);
    expect(c.map((x) => x.source)).not.toEqual(a?.map((x) => x.source));
  });

  test.each([1, 2, 17, 63])(
    'goes on from a recorded position (after %i texts) as if it had never stopped',
    async (stop) => {
      const sources = demoMixture(5);
      const whole = await take(mixture(sources, startOfMixture(sources, 5), template), 80);
      const position = JSON.parse(JSON.stringify(whole[stop - 1]?.position)) as MixturePosition;
      const rest = await take(mixture(demoMixture(5), position, template), 80 - stop);
      expect(rest).toEqual(whole.slice(stop));
    },
  );

  test('draws the sources by their weights', async () => {
    const sources = demoMixture(3);
    const texts = await take(mixture(sources, startOfMixture(sources, 3), template), 4000);
    const share = (name: string): number => texts.filter((t) => t.source === name).length / texts.length;
    // Standard error of a share of 0.7 among 4,000 is 0.007.
    expect(Math.abs(share('prose') - 0.7)).toBeLessThan(0.03);
    expect(Math.abs(share('dialogue') - 0.2)).toBeLessThan(0.03);
    expect(Math.abs(share('arithmetic') - 0.1)).toBeLessThan(0.03);
  });

  test('weights need not add up to one', async () => {
    const sources = [listSource('a', 30, long('a', 2000)), listSource('b', 10, long('b', 2000))];
    const texts = await take(mixture(sources, startOfMixture(sources, 1), template), 2000);
    expect(Math.abs(texts.filter((t) => t.source === 'a').length / 2000 - 0.75)).toBeLessThan(0.04);
  });

  test('passes over texts of 50 characters or fewer and counts them', async () => {
    const sources = [listSource('a', 1, ['x'.repeat(50), 'y'.repeat(51), '', 'z'.repeat(60)])];
    const texts = await take(mixture(sources, startOfMixture(sources, 1), template), 2);
    expect(texts.map((t) => t.text[0])).toEqual(['y', 'z']);
    expect(texts[1]?.position).toMatchObject({ rows: { a: { row: 4 } }, texts: 2, skipped: 2 });
  });

  test('ends with the first source that has no more rows, and closes the others', async () => {
    const log: string[] = [];
    const sources = [listSource('a', 1, long('a', 3), log), listSource('b', 1, long('b', 100), log)];
    const texts = await take(mixture(sources, startOfMixture(sources, 1), template), 1000);
    expect(texts.filter((t) => t.source === 'a')).toHaveLength(3);
    expect(texts.length).toBeLessThan(30);
    expect(log).toContain('b closed');
  });

  test('parts share no text, and together are all of them, whatever the seed', async () => {
    // Every text stands twice, in different sources: both copies fall on the same side.
    const texts = long('a', 400);
    const sources = [listSource('a', 1, texts), listSource('b', 1, texts)];
    const of = async (take: 'training' | 'heldout', seed: number): Promise<Set<string>> => {
      const found = new Set<string>();
      const part = { take, heldoutShare: 0.25 } as const;
      for await (const { text } of mixture(sources, startOfMixture(sources, seed), template, { part }))
        found.add(text);
      return found;
    };
    const [training, heldout] = [await of('training', 1), await of('heldout', 2)];
    expect([...heldout].filter((text) => training.has(text))).toEqual([]);
    expect(heldout.size).toBeGreaterThan(60);
    expect(heldout.size).toBeLessThan(140);
    expect(training.size).toBeGreaterThan(200);
  });

  test('white space does not tell documents apart', () => {
    expect(documentHash(' a  b\n')).toBe(documentHash('a b'));
    expect(documentHash('a b')).not.toBe(documentHash('ab'));
  });

  test('a row is read only when it is drawn', async () => {
    const log: string[] = [];
    const sources = [listSource('a', 1, long('a', 9), log)];
    await take(mixture(sources, startOfMixture(sources, 1), template), 2);
    expect(log).toEqual(['a 0', 'a 1', 'a closed']);
  });
});

describe('extractors', () => {
  type How = z.input<typeof extractor>;
  const extract = (row: unknown, how: How): string =>
    extractText(row, extractor.parse(how), template, 'rows.jsonl row 3');

  test('each shape gives its text', () => {
    expect(extract({ text: 'a' }, { kind: 'text' })).toBe('a');
    expect(extract({ body: 'a' }, { kind: 'text', field: 'body' })).toBe('a');
    expect(extract({ a: { b: 'c' } }, { kind: 'text', field: 'a.b' })).toBe('c');
    expect(extract({ 'a.b': 'd', a: { b: 'c' } }, { kind: 'text', field: 'a.b' })).toBe('d');
    // A null, or no turns, is no text: too short, so that it is passed over and counted.
    expect(extract({ text: null }, { kind: 'text' })).toBe('');
    expect(extract({ conversations: [] }, { kind: 'conversations' })).toBe('');
    expect(extract({ problem: 'p', solution: null }, { kind: 'problem-solution' })).toBe('');
    expect(extract({ problem: 'p', solution: 's' }, { kind: 'problem-solution' })).toBe(
      'Problem: p\n\nSolution: s',
    );
    expect(
      extract({ conversations: [{ role: 'user', content: 'q' }] }, { kind: 'conversations', thinking: true }),
    ).toBe('user: q');
    expect(
      extract(
        {
          conversations: [
            { from: 'human', value: 'q' },
            { from: 'gpt', value: 'a' },
          ],
        },
        { kind: 'conversations', thinking: true },
      ),
    ).toBe('user: q\nassistant: a');
  });

  test.each<[string, unknown, How]>([
    ['a missing field', { body: 'a' }, { kind: 'text' }],
    ['a number for a text', { text: 1 }, { kind: 'text' }],
    ['a row that is no object', 'text', { kind: 'text' }],
    ['a problem without solution', { problem: 'p' }, { kind: 'problem-solution' }],
    [
      'turns without content',
      { conversations: [{ role: 'user' }] },
      { kind: 'conversations', thinking: true },
    ],
  ])('%s is malformed, and the row is named', (_, row, how) => {
    expect(() => extract(row, how)).toThrow(MalformedError);
    expect(() => extract(row, how)).toThrow(/rows\.jsonl row 3/);
  });
});

describe('broken rows', () => {
  const rows = (count: number, broken: (i: number) => boolean): TextSource => ({
    name: 'a',
    weight: 1,
    extractor: { kind: 'text', field: 'text' },
    async *rows(start) {
      for (let i = start.row; i < count; i++)
        yield {
          value: broken(i) ? { text: i } : { text: `${i} ${'and so on '.repeat(6)}` },
          place: `a ${i}`,
          next: { file: 0, row: i + 1, byte: 0 },
        };
    },
  });
  const read = (source: TextSource, badRows: number, told: string[] = []): Promise<MixedText[]> => {
    const onBroken = ({ complaint }: MalformedError): void => {
      told.push(complaint.thing);
    };
    return take(mixture([source], startOfMixture([source], 1), template, { badRows, onBroken }), 10_000);
  };

  test('a share is passed over, told and counted', async () => {
    const told: string[] = [];
    const texts = await read(
      rows(400, (i) => i % 50 === 7),
      0.03,
      told,
    );
    expect(texts).toHaveLength(392);
    expect(texts.at(-1)?.position.broken).toBe(8);
    expect(told.slice(0, 2)).toEqual(['a 7 text', 'a 57 text']);
  });

  test('one more than the share ends the mixture, and says how many there were', async () => {
    const found = read(
      rows(400, (i) => i === 3 || i === 5 || i === 9),
      0.02,
    );
    await expect(found).rejects.toThrow(
      /a 9 text.* 3 of the first 10 rows are broken, more than corpus\.badRows/,
    );
    await expect(
      read(
        rows(400, (i) => i === 3),
        0,
      ),
    ).rejects.toThrow(/a 3 text: found a value of type number/);
  });

  test('a recorded position keeps the count', async () => {
    const source = rows(400, (i) => i % 50 === 7);
    const whole = await read(source, 0.03);
    const { position } = whole[99]!;
    const rest = await take(
      mixture([source], JSON.parse(JSON.stringify(position)) as MixturePosition, template, { badRows: 0.03 }),
      10_000,
    );
    expect(rest).toEqual(whole.slice(100));
  });
});

describe('conversations as real data holds them', () => {
  const how = extractor.parse({ kind: 'conversations', field: 'messages' });
  const seen: unknown[] = [];
  const keeper = {
    applyChat: (turns: readonly { role: string; content?: unknown }[]) => {
      seen.splice(0, seen.length, ...turns);
      return 'text';
    },
  };
  const give = (messages: unknown): string => extractText({ messages }, how, keeper, 'row 5');

  test('parts of text are put end to end; nothing beside calls of tools; all fields reach the template', () => {
    const calls = [{ type: 'function', function: { name: 'f', arguments: '{}' } }];
    give([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a ' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'assistant', tool_calls: calls, reasoning_content: 'because' },
      { from: 'gpt', value: 'c' },
    ]);
    expect(seen).toEqual([
      { role: 'user', content: 'a b' },
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'assistant', tool_calls: calls, reasoning_content: 'because' },
      { role: 'assistant', content: 'c' },
    ]);
  });

  test.each([
    [[{ role: 'user', content: 'a' }, null], 'turn 1 that is null'],
    [[{ role: 'user', content: [{ type: 'image', url: 'x' }] }], 'turn 0 that is '],
    [[{ content: 'a' }], 'turn 0 that is '],
    ['a', 'a value of type string'],
  ])('%j is no conversation', (messages, reason) => {
    expect(() => give(messages)).toThrow(`row 5 messages: found ${reason}`);
  });
});
