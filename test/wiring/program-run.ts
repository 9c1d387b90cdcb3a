/** Runs of the program at the least size that has an effect to show, and all that they leave. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { SIMILARITY_FILE, type Similarity } from '../../runner/report/similarity.ts';
import { readSimilarity } from '../../runner/report/similarity-file.ts';
import { type Outcome, readRecords, runProgram } from '../e2e/program.ts';

export type Settings = Readonly<Record<string, unknown>>;

/** The least: one layer, six steps, no suite beside reconstruction and losses. */
export const SMALL: Settings = {
  layers: [2],
  'sae.deadThresholdTokens': 1024,
  'training.tokens': 6144,
  'training.checkpointTokens': 2048,
  'training.logSteps': 3,
  'probing.sets': [],
  'evaluation.tokens': 1024,
  'evaluation.suites': [],
  'evaluation.controlTokens': 0,
  'evaluation.resamples': 20,
  'evaluation.probeTexts': 60,
  'evaluation.setTrainTexts': 16,
  'evaluation.setTestTexts': 8,
};

/** What a run left behind. */
export interface Left {
  outcome: Outcome;
  folder: string;
  records: EvaluationRecord[];
  /** Content hash of each SAE by the name of its file. */
  weights: Record<string, string | null>;
  /** Every file below the run's folder. */
  files: string[];
  validation: unknown;
  /** How alike its decoders are. */
  similarity: Similarity | null;
}

/** A config file of the settings, which are given by their paths; @returns its word for the command line */
export async function configWord(place: string, settings: Settings): Promise<string> {
  const file: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    let at = file;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    at[last] = value;
  }
  await mkdir(place, { recursive: true });
  const path = join(place, 'config.json');
  await writeFile(path, JSON.stringify(file));
  return `--config=${path}`;
}

export interface Run {
  /** Folder of its own. */
  place: string;
  /** Of a config file, which may say what does nothing. */
  settings: Settings;
  /** On the command line, which may not. */
  set?: Settings;
  words?: readonly string[];
  /** Folder of a finished run to go on from. */
  from?: string;
  environment?: Readonly<Record<string, string>>;
}

export async function start(run: Run): Promise<Left> {
  const { place, settings, set = {}, words = [], from, environment } = run;
  const name = String(set.name ?? settings.name ?? 'wiring');
  const folder = join(place, 'runs', name);
  if (from !== undefined) {
    await mkdir(join(place, 'runs'), { recursive: true });
    await cp(from, folder, { recursive: true });
  }
  const outcome = await runProgram(
    [
      ...[
        'eval',
        'small-world-quick',
        await configWord(place, { name, ...SMALL, ...settings }),
        '--no-site',
        '--cache=off',
      ],
      ...[`--runs=${join(place, 'runs')}`, `--content=${join(place, 'content')}`],
      ...Object.entries(set).map(
        ([path, value]) => `--set=${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      ),
      ...words,
    ],
    environment,
  );
  const records = await readRecords(join(folder, 'records')).catch(() => []);
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const report = await readFile(join(folder, 'val_report.json'), 'utf8').catch(() => 'null');
  return {
    outcome,
    folder,
    records,
    weights: Object.fromEntries(records.map(({ sae }) => [sae.files[0]!.name, sae.sha256])),
    files: files.sort(),
    validation: JSON.parse(report),
    similarity: await readSimilarity(join(folder, SIMILARITY_FILE)),
  };
}
