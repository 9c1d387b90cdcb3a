/** `clt`: a cross-layer transcoder in the place of all MLPs of a language model, and how well it reconstructs each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveRun } from '../config/resolve.ts';
import { parseBytes } from '../io/bytes.ts';
import { crossLayerJob, type MeasuredCrossLayer } from '../job/evaluation/cross-layer-job.ts';
import { checkSource } from '../job/shared/model-place.ts';
import { pinText } from '../job/shared/pinned-text.ts';
import { findFiles } from '../job/shared/text.ts';
import { machineMemory } from '../lm/memory.ts';
import { definitions } from '../report/definitions.ts';
import type { Measure, Part } from '../report/schema.ts';
import { stageReporter } from '../reporter.ts';
import { chooseDevices, precisionOf } from './choose-devices.ts';
import { locateModel } from './locate-model.ts';
import { locateNamed } from './locate-saes.ts';
import { options, words } from './options/clt.ts';
import { parseOptions } from './parse-options.ts';
import { progressView, voiceOf } from './progress.ts';

/** What is shown of each layer. */
const OF_LAYER = ['var_exp@pooled-v1', 'l0@v1', 'alive@v1'] as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('clt', args, options, words);
  const asked = await resolveRun([], values);
  const bytes = values.memory === undefined ? machineMemory() : parseBytes('--memory', values.memory);
  const view = progressView(values.json ? process.stderr : process.stdout);
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  process.once('SIGINT', stop);
  const scratch = await mkdtemp(join(tmpdir(), 'interpboard-clt-'));
  try {
    const on = { ...asked, device: await chooseDevices(asked.device, (text) => view.line(text)) };
    const place = await locateModel(on.model.reference, view);
    on.precision = await precisionOf(on, place, view);
    checkSource(place, on.corpus);
    const [transcoder] = await locateNamed([positionals[0]!], view);
    const pinned = await pinText(on, [], findFiles);
    const measured = await crossLayerJob(
      { config: pinned, model: place, folder: transcoder!.path, scratch, memory: bytes },
      (stage, unit) => stageReporter(stage, unit, { ...voiceOf(view), stopRequested: () => stopped }),
    );
    view.end();
    const { device, precision } = on;
    const facts = { transcoder: transcoder!.name, model: on.model.id, device, precision, ...measured };
    console.log(values.json ? JSON.stringify(facts, null, 2) : tableOf(facts));
    return 0;
  } finally {
    process.off('SIGINT', stop);
    view.end();
    await rm(scratch, { recursive: true, force: true });
  }
}

function tableOf(
  facts: MeasuredCrossLayer & { transcoder: string; model: string; device: string; precision: string },
): string {
  const { layers, losses } = facts;
  const ids = Object.keys(losses) as (keyof typeof losses)[];
  const rows = layers.map((each, layer) => [String(layer), ...OF_LAYER.map((id) => textOf(id, each[id]))]);
  const all = [['layer', ...OF_LAYER.map((id) => definitions[id].short)], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return [
    `${facts.transcoder} on ${facts.model}: ${layers.length} layers of ${[...new Set(facts.d_sae)].join('/')} latents (${facts.architecture}), from ${facts.reads} to every later MLP’s output; ${facts.tokens.toLocaleString('en')} tokens; on ${facts.device}, in ${facts.precision}`,
    '',
    ...all.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  ')),
    '',
    'with all MLPs replaced, its latents reading the stream as it then is:',
    ...ids.map((id) => `  ${definitions[id].title}: ${textOf(id, losses[id])}`),
    ...probingLines(facts.probing),
  ].join('\n');
}

/** Accuracies of k latents of each layer, and of as many channels of what they read. */
function probingLines(parts: MeasuredCrossLayer['probing']): string[] {
  if (parts === null) return [];
  const of = (part: Part | undefined): [at: number, values: Readonly<Record<string, Measure>>][] =>
    (part?.curves?.accuracy?.points ?? []).map(({ at, values }) => [at, values]);
  const number = (measure: Measure | undefined): string => measure?.value?.toFixed(3) ?? 'n/a';
  const ks = of(parts[0]).map(([at]) => at);
  return [
    '',
    `k-sparse probing, accuracy of k latents (of as many channels), k = ${ks.join(', ')}:`,
    ...parts.map(
      (part, layer) =>
        `  layer ${layer}: ${of(part)
          .map(([, values]) => `${number(values.sae)} (${number(values.channels)})`)
          .join('  ')}`,
    ),
  ];
}

function textOf(id: keyof typeof definitions, measure: Measure): string {
  const { digits } = definitions[id];
  if (measure.value === null) return `n/a (${measure.reason})`;
  const { interval } = measure;
  const ends =
    interval === null ? '' : ` (${interval.low.toFixed(digits)} to ${interval.high.toFixed(digits)})`;
  return `${measure.value.toFixed(digits)}${ends}`;
}
