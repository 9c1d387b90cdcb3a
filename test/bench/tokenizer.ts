/**
 * Tokenising, one thread: prose of the embedded world in documents, fresh ones each round, and one long line without
 * spaces. The embedded tokenizer, and those of the test fixtures for the other kinds: their entries are few, so that
 * they make more ids of a text than real ones do. Medians of rounds in turn.
 */
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { demoSource } from '../../runner/text/demo-source.ts';
import { START } from '../../runner/text/source.ts';
import { loadTokenizer } from '../../runner/text/tokenizer.ts';
import { median } from './parts/median.ts';

const rounds = 7;
const roundBytes = 500_000;
const fixtures = fileURLToPath(new URL('../fixtures/tokenizer/families/', import.meta.url));
const folders = {
  embedded: demoModelFolder,
  ...Object.fromEntries(['gpt2', 'llama3', 'qwen', 'gemma', 'llama2'].map((kind) => [kind, fixtures + kind])),
};
const line = 'abcdefghij'.repeat(20_000);

const prose = demoSource('prose', 7, 1).rows(START)[Symbol.asyncIterator]();

async function documents(): Promise<string[]> {
  const texts: string[] = [];
  for (let bytes = 0; bytes < roundBytes; ) {
    const { value } = await prose.next();
    const text = (value as { value: { text: string } }).value.text;
    texts.push(text);
    bytes += Buffer.byteLength(text);
  }
  return texts;
}

const cases = await Promise.all(
  Object.entries(folders).map(async ([name, folder]) => ({
    name,
    tokenizer: await loadTokenizer(folder),
    rates: [] as number[],
    lines: [] as number[],
    bytes: 0,
    tokens: 0,
  })),
);
for (let round = -1; round < rounds; round++) {
  const texts = await documents();
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  for (const each of cases) {
    const start = performance.now();
    let tokens = 0;
    for (const text of texts) tokens += each.tokenizer.encode(text, { specialTokens: false }).length;
    const middle = performance.now();
    each.tokenizer.encode(line, { specialTokens: false });
    if (round < 0) continue;
    each.lines.push(line.length / (performance.now() - middle) / 1000);
    each.rates.push(bytes / (middle - start) / 1000);
    each.bytes += bytes;
    each.tokens += tokens;
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${rounds} rounds of ${roundBytes / 1e6} MB of prose and a line of ${line.length / 1e6} MB`,
);
for (const { name, rates, lines, bytes, tokens } of cases) {
  const perToken = (bytes / tokens).toFixed(2);
  console.log(
    `${name.padEnd(9)} prose ${median(rates).toFixed(2).padStart(6)} MB/s (${perToken} bytes a token), line ${median(lines).toFixed(2).padStart(6)} MB/s`,
  );
}
