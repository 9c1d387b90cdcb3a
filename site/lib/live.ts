/** Live pages in the content folder: which records have one, and what their files are, checked once a build. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Live, LivePage } from '../../runner/report/live.ts';
import { readLive } from '../../runner/report/live-files.ts';
import { LIVE } from '../../runner/report/live-places.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { contentFolder, foldersIn } from './content.ts';
import { once } from './once.ts';
import { loadRecords } from './records.ts';

export interface LiveOf {
  entry: EvaluationRecord;
  /** Folder of its files. */
  folder: string;
  live: Live;
}

/** By record id, of SAEs of the records' hashes: programs for another training of one would show another SAE. */
export async function liveByRecord(): Promise<Map<string, LiveOf>> {
  return liveOf(await loadRecords());
}

const liveOf = once((records: readonly EvaluationRecord[]): Map<string, LiveOf> => {
  const root = join(contentFolder, LIVE);
  const found = new Map<string, LiveOf>();
  if (!existsSync(root)) return found;
  const entries = new Map(records.map((entry) => [entry.id, entry]));
  for (const run of foldersIn(root)) {
    const folder = join(root, run);
    for (const name of readdirSync(folder)) {
      const entry = entries.get(name.replace(/\.json$/, ''));
      // Programs are this program's own, of SAEs that it measured.
      if (entry === undefined || entry.kind !== 'measured' || !name.endsWith('.json')) continue;
      const live = readLive(join(folder, name));
      if (live.sha256 === entry.sae.sha256) found.set(entry.id, { entry, folder, live });
    }
  }
  return found;
});

export interface PageOf extends LiveOf {
  live: LivePage;
}

export async function livePages(): Promise<PageOf[]> {
  const all = [...(await liveByRecord()).values()];
  return all.filter((each): each is PageOf => !('none' in each.live));
}

/** Files of the runtime by the names that the site serves them under: of its builds the one that computes on the CPU. */
export function runtimeFiles(): Map<string, string> {
  const { resolve } = createRequire(join(process.cwd(), 'package.json'));
  const wasm = resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
  return new Map([
    ['ort.js', join(dirname(wasm), 'ort.wasm.bundle.min.mjs')],
    ['ort.wasm', wasm],
  ]);
}
