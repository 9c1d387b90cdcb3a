/**
 * Memory and time of opening a large SAE and of taking latents out of it, and memory of running one, from its file and
 * from memory. Each case is a process of its own; the file is sparse and takes no room on the disk.
 *
 *     node test/bench/sae-open.ts [--latents 65536] [--width 5120] [--run-latents 32768] [--run-width 2048]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openSaeFile } from '../../runner/sae/checkpoints/load.ts';
import { releaseFiles } from '../../runner/sae/checkpoints/reference-release.ts';
import { openSae } from '../../runner/sae/open-sae.ts';

const { values } = parseArgs({
  options: {
    latents: { type: 'string', default: '65536' },
    width: { type: 'string', default: '5120' },
    'run-latents': { type: 'string', default: '32768' },
    'run-width': { type: 'string', default: '2048' },
    case: { type: 'string' },
    folder: { type: 'string' },
  },
});

const MIB = 2 ** 20;
const RUN_TOKENS = 256;

/** Resident memory in MiB: most ever, and what is the process's own now (without pages of mapped files). */
function memory(): { peak: number; own: number } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  return { peak: field('VmHWM'), own: field('RssAnon') };
}

/** A sparse file in the layout of the reference release: its header, then zeros that are not on the disk. */
function writeSparse(folder: string, n: number, d: number): number {
  const { tensors, config } = releaseFiles(0);
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, shape] of [
    ['W_enc', [d, n]],
    ['W_dec', [n, d]],
    ['b_enc', [n]],
    ['b_dec', [d]],
  ] as const) {
    const bytes = 4 * shape.reduce((product: number, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const lead = Buffer.alloc(8);
  lead.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(join(folder, tensors), Buffer.concat([lead, json]));
  truncateSync(join(folder, tensors), 8 + json.length + offset);
  const settings = {
    architecture: 'topk',
    d_in: d,
    d_sae: n,
    k: 64,
    k_aux: 64,
    alpha_aux: 0.03125,
    hook_name: 'blocks.0.hook_resid_post',
    model_name: 'bench',
    activation_fn_str: 'topk',
    tokens_seen: 0,
    step: 0,
  };
  writeFileSync(join(folder, config), JSON.stringify(settings));
  return 8 + json.length + offset;
}

function row(text: string, milliseconds: number): void {
  const { peak, own } = memory();
  console.log(
    `${text.padEnd(44)} ${milliseconds.toFixed(0).padStart(6)} ms, peak resident ${peak.toFixed(0).padStart(5)} MiB, own memory now ${own.toFixed(0).padStart(5)} MiB`,
  );
}

async function timed<T>(text: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  row(text, performance.now() - start);
  return result;
}

async function main(folder: string, which: string): Promise<void> {
  if (which === 'none') return row('a process that opens nothing', 0);
  if (which === 'open') {
    const file = await timed('opened', () => openSaeFile(folder));
    const { d_sae } = file.sae;
    await timed('one latent', () => file.latents(d_sae - 1, d_sae));
    const some = Math.min(64, d_sae);
    await timed(`${some} latents in a row`, () => file.latents(d_sae - some, d_sae));
    await timed('8 latents here and there', async () => {
      for (let i = 0; i < 8; i++) await file.latents((i * 9_973) % d_sae, ((i * 9_973) % d_sae) + 1);
    });
    return file.close();
  }
  const file = await openSaeFile(folder);
  const sae = which === 'run-file' ? file.sae : (await file.load()).sae;
  const place = which === 'run-file' ? 'from the file' : 'from memory';
  const x = new Float32Array(RUN_TOKENS * sae.d_in).fill(1);
  const open = await timed(`programs opened ${place}`, () => openSae(sae));
  await timed(`${RUN_TOKENS} tokens encoded and decoded`, () => open.reconstruct(x, RUN_TOKENS));
  await timed('the same again', () => open.reconstruct(x, RUN_TOKENS));
  await open.close();
  await file.close();
}

if (values.case !== undefined && values.folder !== undefined) {
  await main(values.folder, values.case);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'sae-open-'));
  try {
    const inProcess = (name: string): void => {
      const script = fileURLToPath(import.meta.url);
      const { status } = spawnSync(process.execPath, [script, '--case', name, '--folder', folder], {
        stdio: 'inherit',
      });
      if (status !== 0) throw new Error(`case ${name} ended with ${status}`);
    };
    const cases = [
      [Number(values.latents), Number(values.width), ['none', 'open']],
      [Number(values['run-latents']), Number(values['run-width']), ['run-file', 'run-memory']],
    ] as const;
    for (const [n, d, names] of cases) {
      const bytes = writeSparse(folder, n, d);
      console.log(`SAE of ${n} latents, width ${d}: a file of ${(bytes / MIB).toFixed(0)} MiB`);
      for (const name of names) inProcess(name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
