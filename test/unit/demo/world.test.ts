import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type DemoRows,
  demoRow,
  demoRows,
  probeSet,
  type Register,
  topicSet,
} from '../../../runner/demo/index.ts';
import { trackedStory } from '../../../runner/demo/world/story.ts';
import { random } from '../../../runner/math/random.ts';

const REGISTERS: readonly Register[] = ['prose', 'dialogue', 'arithmetic'];

function textOf(register: Register, seed: number, index: number): string {
  const row = demoRow(register, seed, index);
  if ('text' in row) return row.text;
  if ('problem' in row) return `${row.problem}\n${row.solution}`;
  return row.conversations.map((turn) => turn.content).join('\n');
}

const texts = (register: Register, seed: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => textOf(register, seed, i));

describe('rows', () => {
  test.each(REGISTERS)('%s: any row can be had alone, and is the same again', (register) => {
    const walked = demoRows(register, 42, 5);
    const inOrder = [0, 1, 2].map(() => walked.next().value);
    const backwards = [7, 6, 5].map((i) => demoRow(register, 42, i));
    expect(inOrder).toEqual(backwards.reverse());
    expect(demoRow(register, 43, 5)).not.toEqual(demoRow(register, 42, 5));
    expect(demoRow(register, 42, 2 ** 31)).toEqual(demoRow(register, 42, 2 ** 31));
  });

  test.each(REGISTERS)(
    '%s: no sign of the template notation is left, and sentences begin and end',
    (register) => {
      for (const text of texts(register, 1, 3000)) {
        expect(text.replaceAll(/<\/?think>/g, '')).not.toMatch(
          /[{}[\]<>|~]|undefined|NaN| {2}|\.\.|,,| [.,;!?]/,
        );
        expect(text.trim()).toMatch(/^(<think>|["'A-Z0-9])[\s\S]*[.!?]["']?$|^[\s\S]*[A-Za-z]$/);
      }
    },
  );

  test('stories are 60 to 400 tokens long by and large', () => {
    const words = texts('prose', 1, 2000).map((text) => text.match(/\p{L}+|[^\p{L}\s]/gu)?.length ?? 0);
    const share = words.filter((count) => count >= 25 && count <= 400).length / words.length;
    expect(share).toBeGreaterThan(0.95);
    expect(words.reduce((a, b) => a + b) / words.length).toBeGreaterThan(60);
  });

  test.each<[Register, number]>([
    ['prose', 0.3],
    ['dialogue', 0.7],
    ['arithmetic', 0.6],
  ])('%s: another seed is another text (no document in common, few sentences)', (register, limit) => {
    const [here, there] = [42, 43].map((seed) => texts(register, seed, 2000)) as [string[], string[]];
    const documents = new Set(here);
    expect(there.filter((text) => documents.has(text)).length).toBeLessThanOrEqual(
      register === 'arithmetic' ? 5 : 0,
    );
    const cut = (text: string): string[] => text.split(/(?<=[.]"?|[!?])\s+|\n+/);
    const sentences = new Set(here.flatMap(cut));
    const others = there.flatMap(cut);
    expect(others.filter((sentence) => sentences.has(sentence)).length / others.length).toBeLessThan(limit);
  });
});

describe('arithmetic', () => {
  test('every equation of every solution is true', () => {
    let equations = 0;
    for (const { solution } of Array.from({ length: 2000 }, (_, i): DemoRows['arithmetic'] =>
      demoRow('arithmetic', 8, i),
    )) {
      for (const chain of solution.match(/[\d(][\d ()+*/-]*(?: = [\d(][\d ()+*/-]*)+/g) ?? []) {
        const values = chain.split('=').map((part) => evaluate(part.trim()));
        expect(new Set(values).size, `${chain} in: ${solution}`).toBe(1);
        equations++;
      }
    }
    expect(equations).toBeGreaterThan(3000);
  });

  test('times of day come out right', () => {
    const clocks = Array.from({ length: 2000 }, (_, i) => demoRow('arithmetic', 3, i)).filter((row) =>
      /works for/.test(row.problem),
    );
    expect(clocks.length).toBeGreaterThan(50);
    for (const { problem, solution } of clocks) {
      const [, hour, minute, lasts] = /at (\d+):(\d+) and works for (\d+)/.exec(problem)?.map(Number) ?? [];
      const [, endHour, endMinute] = /done at (\d+):(\d+)/.exec(solution)?.map(Number) ?? [];
      expect(endHour! * 60 + endMinute!).toBe(hour! * 60 + minute! + lasts!);
    }
  });
});

/** Whole-number expressions with + - * / and brackets. */
function evaluate(expression: string): number {
  let at = 0;
  const tokens = expression.match(/\d+|[()+*/-]/g) ?? [];
  function atom(): number {
    const token = tokens[at++];
    if (token !== '(') return Number(token);
    const value = sum();
    at++;
    return value;
  }
  function product(): number {
    let value = atom();
    while (tokens[at] === '*' || tokens[at] === '/')
      value = tokens[at++] === '*' ? value * atom() : value / atom();
    return value;
  }
  function sum(): number {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  }
  return sum();
}

describe('dialogue', () => {
  const rows = Array.from({ length: 1500 }, (_, i) => demoRow('dialogue', 11, i).conversations);

  test('turns alternate, and the assistant thinks before it answers', () => {
    for (const turns of rows) {
      const spoken = turns[0]?.role === 'system' ? turns.slice(1) : turns;
      expect(spoken.map((turn) => turn.role)).toEqual(
        spoken.map((_, i) => (i % 2 === 0 ? 'user' : 'assistant')),
      );
      for (const { role, content } of spoken) {
        expect(/^<think>\n[\s\S]+\n<\/think>\n\n.+/.test(content)).toBe(role === 'assistant');
      }
    }
  });

  test('counts in the answer follow from those in the story', () => {
    const differences = rows
      .flat()
      .flatMap((turn) => [...turn.content.matchAll(/(\d+) ([+-]) (\d+) = (\d+)/g)]);
    expect(differences.length).toBeGreaterThan(200);
    for (const [, a, sign, b, c] of differences) {
      expect(sign === '+' ? Number(a) + Number(b) : Number(a) - Number(b)).toBe(Number(c));
    }
  });

  test('who has the thing at the end is who received it last in the text', () => {
    for (let i = 0; i < 500; i++) {
      const { text, tracker } = trackedStory(random('test', i));
      const thing = tracker.scene.slots.get('U')?.form('noun') ?? '';
      const place =
        tracker.holder === null ? tracker.spot : tracker.scene.slots.get(tracker.holder)?.form('');
      const last =
        text
          .split('. ')
          .filter((sentence) => new RegExp(`\\b${thing}\\b`).test(sentence))
          .at(-1) ?? '';
      expect(last, text).toContain(place);
    }
  });
});

test('the text is that which the embedded model was trained on and its figures are of', () => {
  const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');
  const rowsOf = (register: Register): unknown[] =>
    Array.from({ length: 1_000 }, (_, i) => demoRow(register, 42, i));
  expect({
    prose: sha256(rowsOf('prose')),
    dialogue: sha256(rowsOf('dialogue')),
    arithmetic: sha256(rowsOf('arithmetic')),
    sentiment: sha256(probeSet('sentiment', 42, 300)),
    toxicity: sha256(probeSet('toxicity', 42, 300)),
    topic: sha256(topicSet('train', 42, 300)),
  }).toEqual({
    prose: 'f5c6148e71e5c7d75bfb6e43dd734f1aa745cae77edf32657acc0e4a64e745c2',
    dialogue: '08bc9d958470bc87d9aa70ec11262a5d4c21ca3a8d675bc8b48df8510e5f225c',
    arithmetic: '572defc605db38edb71b168ab1ad4cefcdaa3c6592949985050ad12ce9829255',
    sentiment: '2234b17e848ec8f628dcf8908c9c72cb657421018d16dd26373aed3691670cea',
    toxicity: 'd7a5d4770adfbd3770d62d1c49134036c8f005f281ec6417524709c3f049d497',
    topic: '62dd1e6ea5f4584a35b3d696717ba41a2827aa428f5d858eb3da807ba2b08a20',
  });
});
