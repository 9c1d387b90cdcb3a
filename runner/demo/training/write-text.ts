/**
 * Writes the text that the embedded language model learns from, drawn by the same code that feeds a training run.
 *
 *     node runner/demo/training/write-text.ts texts SEED BYTES FILE    one JSON string a line (for the tokenizer)
 *     node runner/demo/training/write-text.ts rows SEED TOKENS FILE    packed rows of 256 tokens, uint16 little-endian
 *     node runner/demo/training/write-text.ts probes SEED COUNT FILE   both probe sets, one JSON object
 *
 * A fifth argument names the folder of the tokenizer; the embedded model's by default.
 */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { demoMixture } from '../../text/demo-source.ts';
import { mixture, startOfMixture } from '../../text/mixture.ts';
import { packRows, startOfPacking } from '../../text/packing.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { demoModelFolder, probeSet } from '../index.ts';

const ROW_TOKENS = 256;
const [what, seedText, amountText, path, folder = demoModelFolder] = process.argv.slice(2);
const seed = Number(seedText);
const amount = Number(amountText);
if (
  !['texts', 'rows', 'probes'].includes(what ?? '') ||
  !Number.isInteger(seed) ||
  !(amount > 0) ||
  path === undefined
) {
  console.error('usage: write-text.ts texts|rows|probes SEED BYTES|TOKENS|COUNT FILE');
  process.exit(2);
}

const sources = demoMixture(seed);
const start = startOfMixture(sources, seed);
const out = createWriteStream(path);
async function write(part: string | Uint8Array): Promise<void> {
  if (!out.write(part)) await new Promise<void>((resolve) => out.once('drain', () => resolve()));
}

const before = performance.now();
let done = 0;
if (what === 'texts') {
  // The tokenizer does not exist yet: conversations are written turn by turn without the template's own tokens.
  const plain = {
    applyChat: (turns: readonly { content?: unknown }[]) => turns.map((t) => t.content).join('\n'),
  };
  for await (const { text } of mixture(sources, start, plain)) {
    await write(`${JSON.stringify(text)}\n`);
    done += Buffer.byteLength(text);
    if (done >= amount) break;
  }
} else if (what === 'probes') {
  const sets = {
    sentiment: probeSet('sentiment', seed, amount),
    toxicity: probeSet('toxicity', seed, amount),
  };
  await write(JSON.stringify(sets));
} else {
  const tokenizer = await loadTokenizer(folder);
  const texts = mixture(sources, start, tokenizer);
  for await (const { row } of packRows(texts, tokenizer, startOfPacking(start), { rowTokens: ROW_TOKENS })) {
    await write(new Uint8Array(Uint16Array.from(row).buffer));
    done += ROW_TOKENS;
    if (done >= amount) break;
  }
}
out.end();
await finished(out);
const seconds = (performance.now() - before) / 1000;
const unit = { texts: 'bytes', rows: 'tokens' }[what as string];
if (unit !== undefined) console.log(`${path}: ${done} ${unit}, ${(done / seconds / 1e6).toFixed(2)} M/s`);
