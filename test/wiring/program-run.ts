/** Runs of the program at the least size that has an effect to show, and all that they leave. */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
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

export function wordsOf(settings: Settings): string[] {
  return Object.entries(settings).map(
    ([path, value]) => `--set=${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
}

export interface Run {
  /** Folder of its own. */
  place: string;
  settings: Settings;
  words?: readonly string[];
  /** Folder of a finished run to go on from. */
  from?: string;
  environment?: Readonly<Record<string, string>>;
}

export async function start({ place, settings, words = [], from, environment }: Run): Promise<Left> {
  const name = String(settings.name ?? 'wiring');
  const folder = join(place, 'runs', name);
  if (from !== undefined) {
    await mkdir(join(place, 'runs'), { recursive: true });
    await cp(from, folder, { recursive: true });
  }
  const outcome = await runProgram(
    [
      ...['eval', 'small-world-quick', '--name=wiring', '--no-site', '--cache=off'],
      ...[`--runs=${join(place, 'runs')}`, `--content=${join(place, 'content')}`],
      ...wordsOf({ ...SMALL, ...settings }),
      ...words,
    ].filter((word) => settings.name === undefined || word !== '--name=wiring'),
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
