/** `merge`: the shards of a run become one run folder, its records, and the report. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { parseReference } from '../hub/reference.ts';
import { writeLive } from '../job/release/live.ts';
import { uploadRelease } from '../job/release/run-upload.ts';
import { openRunFolder } from '../job/run/run-folder.ts';
import { fetchShards } from '../job/shards/fetch-shards.ts';
import {
  type FoundShards,
  findShards,
  mergedFeatures,
  mergedRecords,
  mergeInto,
} from '../job/shards/merge.ts';
import { mergeSimilarity } from '../job/shards/merge-similarity.ts';
import { plannedSaes } from '../job/shared/planned-saes.ts';
import { publishRun } from '../report/content.ts';
import { counted } from '../report/counted.ts';
import { LIVE } from '../report/live-places.ts';
import { scoreTable } from '../report/score-table.ts';
import { SIMILARITY_FILE } from '../report/similarity.ts';
import { readSimilarity } from '../report/similarity-file.ts';
import { stageReporter } from '../reporter.ts';
import { buildSite } from './build-site.ts';
import { withShownHub } from './download-view.ts';
import { locateModel } from './locate-model.ts';
import { nearby } from './nearby.ts';
import { options, words } from './options/merge.ts';
import { parseOptions, refuseIdleOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { type ProgressView, progressView, voiceOf } from './progress.ts';

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('merge', args, options, words);
  const name = positionals[0]!;
  refuseIdleOptions(values, [['shards', values.from !== undefined, '--from']]);
  const runs = projectFolder('runs', values.runs);
  const content = projectFolder('content', values.content);
  const out = projectFolder('dist', values.out);
  const view = progressView(process.stdout);
  try {
    if (values.from !== undefined) await fetched(values.from, values.shards, { runs, name }, view);
    const found = await findShards(runs, name, values.partial ?? false);
    const folder = join(runs, name);
    const whole = found.union.missing.length === 0;
    if (whole) await mergeRun(folder, found, view);
    const records = mergedRecords(found);
    const live = whole && (await writeLivePages(join(content, LIVE, name), folder, found, view));
    const told = await publishRun(content, name, {
      records,
      similarity: whole ? await readSimilarity(join(folder, SIMILARITY_FILE)) : null,
      features: await mergedFeatures(found.parts),
    });
    if (!values['no-site'] && (told || live || !existsSync(join(out, 'index.html'))))
      await buildSite({ content, out, view });
    view.line(`\n${scoreTable(records)}\n`);
    const { done, missing } = found.union;
    if (whole) view.line(`run      ${nearby(folder)}, of ${counted(done.length, 'shard')}`);
    else
      view.line(
        `partial  ${done.length} of ${counted(done.length + missing.length, 'shard')}; not done: ${missing.map(({ index }) => index).join(', ')}`,
      );
    if (!values['no-site']) view.line(`report   ${nearby(out)}`);
    return 0;
  } finally {
    view.end();
  }
}

async function fetched(
  from: string,
  shards: string | undefined,
  run: { runs: string; name: string },
  view: ProgressView,
): Promise<void> {
  const reference = parseReference(from, { exists: () => false, home: homedir() });
  if (reference.kind !== 'hub' || shards === undefined || !/^[1-9]\d{0,5}$/.test(shards)) {
    throw new UserError({
      thing: '--from',
      found: `${quote(from)}${shards === undefined ? ' without --shards' : ` with --shards ${quote(shards)}`}`,
      expected: 'owner/name on the hub, and --shards N',
      next: 'Name the repository that upload.repository named, and how many shards there are.',
    });
  }
  await withShownHub(view, ({ hub, signal }) =>
    fetchShards(hub, reference, { ...run, of: Number(shards) }, signal),
  );
}

/**
 * Live pages follow from the model and the SAEs, which for the embedded model and SAEs that the run trained are here. Others may be
 * neither here nor what they were: `eval` finds them and holds them to the run.
 *
 * @returns whether anything changed
 */
async function writeLivePages(
  into: string,
  folder: string,
  { config, parts }: FoundShards,
  view: ProgressView,
): Promise<boolean> {
  if (config.model.reference === null && config.saes.length === 0) {
    const model = await locateModel(null, view);
    const records = parts.flatMap((part) => part.records.map(({ record }) => record));
    return writeLive(into, { config, model, saes: plannedSaes(config, []), folder, records });
  }
  if ((config.live.budget ?? 0) > 0)
    view.line('live     the same eval without --shard writes the pages that live.budget allows');
  return false;
}

async function mergeRun(folder: string, found: FoundShards, view: ProgressView): Promise<void> {
  const opened = await openRunFolder(folder);
  try {
    const state = await mergeInto(opened, found);
    await mergeSimilarity(folder, found, stageReporter('similarity', 'GFLOP', voiceOf(view)));
    if (state.stage === 'done') return;
    const saes = found.parts.flatMap(({ records }) => records);
    await uploadRelease(found.config, folder, saes, voiceOf(view));
    await opened.save({ ...state, stage: 'done' });
  } finally {
    await opened.release();
  }
}
