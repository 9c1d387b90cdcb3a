/**
 * Neighbours and effects on logits of latents of a dictionary that is too large to hold: CPU time, and memory at its peak. The decoder lies in a file,
 * a latent after the other or a number of all latents after the other (as PyTorch keeps a layer), and is random, as is the head
 * of 32,768 tokens.
 *
 *     npm run bench -- wide-decoder [--latents 65536] [--width 5120] [--asked 1412]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { storedMatrix } from '../../runner/formats/stored-matrix.ts';
import { openFile } from '../../runner/io/byte-source.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { familyOf } from '../../runner/lm/families/index.ts';
import { openReadout } from '../../runner/lm/readout.ts';
import { random, shuffle } from '../../runner/math/random.ts';
import { type DecoderRows, pickedRows } from '../../runner/sae/directions.ts';
import { nearestRows } from '../../runner/sae/nearest-rows.ts';
import { writeRandomLlama } from './parts/random-llama.ts';

const { values } = parseArgs({
  options: {
    latents: { type: 'string', default: '65536' },
    width: { type: 'string', default: '5120' },
    asked: { type: 'string', default: '1412' },
  },
});
const [n, d, count] = [values.latents, values.width, values.asked].map(Number) as [number, number, number];
const MOST = 8;
const folder = mkdtempSync(join(tmpdir(), 'interpboard-wide-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const at = join(folder, 'decoder.bin');

/** Cut out of one strip of normal numbers: they are slow to make. */
async function writeDecoder(): Promise<void> {
  const stream = random('bench wide decoder');
  const strip = Float32Array.from({ length: 1_000_003 }, () => stream.gaussian());
  const file = await open(at, 'w');
  for (let written = 0; written < n * d; ) {
    const from = stream.integer(strip.length);
    const part = strip.subarray(from, Math.min(strip.length, from + n * d - written));
    await file.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    written += part.length;
  }
  await file.close();
}

async function measured<T>(name: string, work: () => Promise<T>): Promise<T> {
  const used = process.cpuUsage();
  const found = await work();
  const { user, system } = process.cpuUsage(used);
  const peak = (1024 * process.resourceUsage().maxRSS) / 1e9;
  console.log(
    `${name}: ${((user + system) / 1e6).toFixed(1)} s of CPU; peak of the process so far ${peak.toFixed(2)} GB`,
  );
  return found;
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores; ${n.toLocaleString('en')} latents of width ${d.toLocaleString('en')} (${((4 * n * d) / 1e9).toFixed(2)} GB), ${count.toLocaleString('en')} asked for`,
);
await writeDecoder();
const source = await openFile(at);
const asked = [
  ...shuffle(
    Int32Array.from({ length: n }, (_, latent) => latent),
    random('bench wide decoder asked'),
  ).subarray(0, count),
];
const layouts = { 'rows in one piece': [d, 1], 'columns in one piece': [1, n] } as const;
let picked: Float32Array = new Float32Array(0);
for (const [name, stride] of Object.entries(layouts)) {
  const matrix = storedMatrix({ source, dtype: 'F32', start: 0, shape: [n, d], stride });
  const rows: DecoderRows = {
    d_sae: n,
    d,
    block: (from, to) => matrix.block({ rows: [from, to], columns: [0, d] }),
  };
  await measured(`neighbours, ${name}`, () => nearestRows(rows, asked, MOST));
  picked = await measured(`rows picked, ${name}`, () => pickedRows(rows, asked));
}
await source.close();

const model = join(folder, 'model');
await writeRandomLlama(model, {
  width: d,
  inner: 64,
  blocks: 1,
  heads: d / 64,
  kvHeads: 1,
  vocabulary: 32_768,
  context: 64,
  type: 'F32' as const,
});
const checkpoint = await openCheckpoint(model);
await measured('effects on logits', async () => {
  const readout = await openReadout(checkpoint, familyOf(checkpoint), { most: MOST });
  await readout.effects(picked);
  await readout.close();
});
