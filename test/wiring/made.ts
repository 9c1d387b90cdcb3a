/** What the runs of the table read: texts, a model's folder, tasks, a hub. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { demoModelFolder, demoRow } from '../../runner/demo/index.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';

/** What a case may need made first. */
export interface Made {
  /** A file of text, 2,000 documents. */
  text: string;
  /** Another file of text. */
  otherText: string;
  /** A file of text whose row 3 is no JSON. */
  brokenText: string;
  /** A folder with a copy of the embedded model. */
  model: string;
  /** Two folders with texts for two tasks of sae-probes. */
  probes: string;
  otherProbes: string;
  /** A trained SAE's file. */
  sae: string;
  /** The hub that runs see. */
  hub: StandIn;
}

/** What runs are told of the hub. */
export function hubEnvironment({ url }: StandIn, folder: string): Record<string, string> {
  return { HF_ENDPOINT: url, HF_HOME: join(folder, 'home'), HF_TOKEN: 'hf_wiring' };
}

/** Makes what the cases need, in a folder; close its hub in the end. */
export async function make(folder: string): Promise<Made> {
  const lines = (seed: number): string =>
    Array.from({ length: 2000 }, (_, row) => JSON.stringify(demoRow('prose', seed, row))).join('\n');
  const names = ['text.jsonl', 'other.jsonl', 'model', 'broken.jsonl'];
  const [text, otherText, model, brokenText] = names.map((name) => join(folder, name));
  const whole = lines(23).split('\n');
  await writeFile(brokenText!, whole.with(3, whole[3]!.slice(0, -2)).join('\n'));
  await writeFile(text!, lines(21));
  await writeFile(otherText!, lines(22));
  await cp(demoModelFolder, model!, { recursive: true });
  const hub = await startStandIn();
  hub.tokens.add('hf_wiring');
  const probes = await madeTasks(join(folder, 'probes'), 24);
  const otherProbes = await madeTasks(join(folder, 'other-probes'), 25);
  const files = { text: text!, otherText: otherText!, brokenText: brokenText!, model: model! };
  return { ...files, probes, otherProbes, sae: '', hub };
}

/** Texts in their order and turned round, for two tasks of sae-probes in its layout. */
async function madeTasks(folder: string, seed: number): Promise<string> {
  await mkdir(folder);
  for (const [i, name] of ['117_us_state_FL', '118_us_state_CA'].entries()) {
    const rows = Array.from({ length: 160 }, (_, row) => {
      const words = demoRow('prose', seed + 10 * i, row)
        .text.split(/\s+/)
        .slice(0, 24);
      const text = (row % 2 === 0 ? words : words.reverse()).join(' ');
      return `"${text.replaceAll('"', '""')}",${row % 2}`;
    });
    const csv = ['prompt,target', ...rows].join('\n');
    await writeFile(join(folder, `${name}.csv.zst`), zstdCompressSync(csv));
  }
  return folder;
}
