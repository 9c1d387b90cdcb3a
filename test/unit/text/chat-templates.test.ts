import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { MalformedError } from '../../../runner/errors.ts';
import { chatTemplate } from '../../../runner/text/chat-template.ts';
import { compile, TemplateError } from '../../../runner/text/jinja/template.ts';

type Conversation = { role: string; content: string | null }[];

interface Golden {
  conversations: Conversation[];
  /** A text for each conversation; two where it depends on thinking (with, without); null where Python raises. */
  templates: { name: string; source: string; texts: (string | null | (string | null)[])[] }[];
  context: Record<string, unknown>;
  snippets: [string, string | null][];
}

const golden = JSON.parse(
  await readFile(new URL('../../fixtures/chat-template/golden.json', import.meta.url), 'utf8'),
) as Golden;
const tokens = { bos_token: '<s>', eos_token: '</s>', pad_token: null };

/** What Jinja2 renders and this refuses, by the words it is refused with. */
const REFUSED = new Map([
  ['{% block a %}x{% endblock %}', '{% block %}, which is not supported here'],
  ['{{ "%s" % 1 }}', 'formatting with %, which is not supported here'],
  ['{{ 12345678901234567 }}', 'the integer 12345678901234567, which is not supported here'],
]);

describe('templates render as with transformers, thinking and not', () => {
  test.each(
    golden.templates.flatMap(({ name, source, texts }) =>
      texts.map((expected, i) => [name, i, source, expected] as const),
    ),
  )('%s, conversation %i', (_, i, source, expected) => {
    const apply = chatTemplate(source, tokens, 'a template');
    for (const [j, thinking] of [true, false].entries()) {
      const text = Array.isArray(expected) ? expected[j]! : expected;
      const render = (): string => apply(golden.conversations[i]!, { thinking });
      if (text === null) expect(render).toThrow(MalformedError);
      else expect(render()).toBe(text);
    }
  });
});

describe('snippets render as with Jinja2', () => {
  test.each(golden.snippets)('%s', (source, expected) => {
    const render = (): string => compile(source)(golden.context);
    const refused = REFUSED.get(source);
    if (refused !== undefined) expect(render).toThrow(refused);
    else if (expected === null) expect(render).toThrow(TemplateError);
    else expect(render()).toBe(expected);
  });

  test('most of them render', () => {
    expect(golden.snippets.filter(([, text]) => text !== null).length).toBeGreaterThan(75);
    expect(
      golden.templates.flatMap(({ texts }) => texts).filter((text) => text !== null).length,
    ).toBeGreaterThan(110);
  });
});

describe('a template cannot run away', () => {
  test.each([
    [
      'loops in loops',
      '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}',
      'steps',
    ],
    ['a range without end', '{% for i in range(10**9) %}{% endfor %}', 'Range too big'],
    ['repetition', "{{ 'ab' * 10**9 }}", 'characters'],
    ['repetition of lists', '{{ [1] * 10**9 }}', 'steps'],
    [
      'doubling',
      "{% set n = namespace(s='a' * 1000) %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
      'characters',
    ],
    ['replacing', "{{ ('a' * 10000).replace('a', 'b' * 100000) }}", 'characters'],
    ['padding', "{{ 'a'.ljust(10**12) }}", 'characters'],
    ['indenting', "{{ ('\\n' * 10000) | indent(10**7) }}", 'characters'],
    ['joining', "{{ range(99999) | join('x' * 100000) }}", 'characters'],
    [
      'printing again and again',
      "{% set s = 'a' * 9999999 %}{% for i in range(9999) %}{{ s }}{% endfor %}",
      'characters',
    ],
    ['a macro in itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'macros within each other'],
    ['depth', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`, 'too deep'],
    ['a long source', ' '.repeat(2 ** 20 + 1), 'at most'],
  ])('%s', (_, source, reason) => {
    expect(() => compile(source)({})).toThrow(TemplateError);
    expect(() => compile(source)({})).toThrow(reason);
  });

  test('the steps that a long conversation takes are allowed', () => {
    const messages = Array.from({ length: 2_000 }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: `turn ${i} `.repeat(50),
    }));
    const { source } = golden.templates.find(({ name }) => name === 'qwen3')!;
    const text = chatTemplate(source, tokens, 'a template')(messages, { thinking: true });
    expect(text.length).toBeGreaterThan(800_000);
  });
});

test('the date is the one that the caller tells', () => {
  const render = compile("{{ strftime_now('%d %b %Y, %H:%M:%S %%') }}");
  expect(render({}, { now: () => new Date(2024, 6, 6, 5, 4, 3) })).toBe('06 Jul 2024, 05:04:03 %');
  expect(() => compile("{{ strftime_now('%Q') }}")({})).toThrow('not supported here');
});
