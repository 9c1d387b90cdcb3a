/** tokenizer.json, with texts that it then encodes, and chat templates, with conversations that they render. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';
import { type FuzzFormat, pick } from '../format.ts';
import { damagedJson, damagedText, mutated } from '../mutate.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/tokenizer/', import.meta.url));

const TEXTS = [
  '',
  'a',
  'The river runs.\n\n  12½ naïve 日本 🙂',
  `${'a'.repeat(200)}b`,
  '<|endoftext|> <s>\u0085\ufeff',
];
const WORDS = [
  'ByteLevel',
  'Metaspace',
  'Split',
  'Digits',
  'Sequence',
  'BPE',
  'WordPiece',
  'Unigram',
  'Replace',
  'Strip',
  'NFKC',
  'Prepend',
  'TemplateProcessing',
  'Punctuation',
  'ByteFallback',
  'Fuse',
  'Regex',
  'String',
  'Isolated',
  'Removed',
  '(a+)+$',
  '(?=a)*',
  '[',
  '\\p{L}+|\\s+',
  'a',
  'aa',
];

export const tokenizer: FuzzFormat = {
  name: 'tokenizer',
  async prepare(folder) {
    const families = await readdir(join(fixtures, 'families'), { withFileTypes: true });
    const folders = [
      join(fixtures, 'tiny'),
      ...families.filter((each) => each.isDirectory()).map(({ name }) => join(fixtures, 'families', name)),
    ];
    const files = await Promise.all(
      folders.map(async (each) => ({
        tokenizer: await readFile(join(each, 'tokenizer.json')),
        config: await readFile(join(each, 'tokenizer_config.json')),
      })),
    );
    // Large vocabularies would be most of what is damaged.
    const small = files.filter(({ tokenizer }) => tokenizer.length < 100_000);
    return async (stream) => {
      const file = pick(stream, small);
      const bytes =
        stream.integer(4) === 0
          ? mutated(file.tokenizer, stream)
          : JSON.stringify(damagedJson(JSON.parse(file.tokenizer.toString()), stream, WORDS));
      const config =
        stream.integer(4) === 0
          ? JSON.stringify(damagedJson(JSON.parse(file.config.toString()), stream))
          : file.config;
      await writeFile(join(folder, 'tokenizer.json'), bytes);
      await writeFile(join(folder, 'tokenizer_config.json'), config);
      const read = await loadTokenizer(folder);
      for (const text of TEXTS) read.decode(read.encode(text, { specialTokens: true }).slice(0, 50));
    };
  },
};

const TEMPLATES = [
  "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m.content | trim + eos_token }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
  "{%- set ns = namespace(last=0) -%}{%- for i in range(messages | length) -%}{%- if messages[i].role == 'user' -%}{%- set ns.last = i -%}{%- endif -%}{%- endfor -%}{{ ns.last }}{{ messages[ns.last].content.split('</think>')[-1].lstrip('\\n') }}",
  "{% macro say(text, times=2) %}{{ text * times }}{% endmacro %}{{ say('ab') }}{% for m in messages[::-1] %}{{ loop.index0 ~ m.content[:3] | upper }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}",
  "{{ messages | tojson(indent=2) }}{{ raise_exception('no') if messages | selectattr('role', 'equalto', 'system') | list | length > 3 }}",
];
const TEMPLATE_WORDS = [
  '{% for x in range(1000000000) %}',
  '{% endfor %}',
  '{{',
  '}}',
  '{%',
  '%}',
  '{#',
  '#}',
  'range(10**9)',
  '~',
  '|',
  'messages',
  "'a' * 1000000000",
  '**',
  'loop',
  'recursive',
  '__class__',
  '.constructor',
  'namespace()',
  '{% set x = x ~ x %}',
  '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
  '{% if true %}',
  '{% endif %}',
  'caller()',
  '[0:10:0]',
  '| join',
  '| batch(0)',
];
const CONVERSATION = [
  { role: 'system', content: 'be brief' },
  { role: 'user', content: 'naïve 日本 <think>\n</think> ?' },
  { role: 'assistant', content: '' },
];

export const template: FuzzFormat = {
  name: 'template',
  async prepare(folder) {
    await writeFile(join(folder, 'tokenizer.json'), await readFile(join(fixtures, 'tiny/tokenizer.json')));
    const config = JSON.parse(await readFile(join(fixtures, 'tiny/tokenizer_config.json'), 'utf8'));
    return async (stream) => {
      const chat_template = damagedText(pick(stream, TEMPLATES), stream, TEMPLATE_WORDS);
      await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...config, chat_template }));
      const read = await loadTokenizer(folder);
      read.applyChat(CONVERSATION, { thinking: stream.integer(2) === 0 });
    };
  },
};
