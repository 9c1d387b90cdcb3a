/** Runs that tests compare with one another: those that several ask for are made once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hubEnvironment, type Made, make } from './made.ts';
import { type Left, type Run, type Settings, start } from './program-run.ts';

export interface KeptRuns {
  made: Made;
  /** A run of its own. */
  run(given: Omit<Run, 'place'>): Promise<Left>;
  /** The run of these settings, which may have been made before. */
  base(settings: Settings, words: readonly string[]): Promise<Left>;
  close(): Promise<void>;
}

export async function keptRuns(): Promise<KeptRuns> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-wiring-'));
  const made = await make(folder);
  const environment = hubEnvironment(made.hub, folder);
  const bases = new Map<string, Promise<Left>>();
  let places = 0;
  const run: KeptRuns['run'] = (given) =>
    start({ ...given, place: join(folder, `place-${places++}`), environment });
  const base: KeptRuns['base'] = (settings, words) => {
    const key = JSON.stringify([settings, words]);
    const found = bases.get(key) ?? run({ settings, words });
    bases.set(key, found);
    return found;
  };
  const plain = await base({}, []);
  return {
    made: { ...made, sae: join(plain.folder, 'sae_L2_latest.safetensors') },
    run,
    base,
    async close() {
      await made.hub.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
