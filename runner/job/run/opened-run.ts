/** SAEs of a run, open, on the activation model that they belong to. */
import { type Hook, hooksOfPlace, orderedHooks } from '../../hook.ts';
import { knownTokens } from '../../lm/known-tokens.ts';
import type { ActivationModel } from '../../lm/language-model.ts';
import { type Device, parseDevices } from '../../onnx/devices.ts';
import type { Exclusion } from '../../report/schema.ts';
import type { Reporter } from '../../reporter.ts';
import type { SaeFile } from '../../sae/checkpoints/loaded.ts';
import type { Suite } from '../../suites/suite.ts';
import { isSynthetic } from '../../synthetic/layout.ts';
import { noTokenizer } from '../../text/no-tokenizer.ts';
import { loadTokenizer, type Tokenizer } from '../../text/tokenizer.ts';
import { heldoutSamples } from '../evaluation/heldout-samples.ts';
import { type EvaluationText, evaluationText } from '../evaluation/heldout-text.ts';
import { evaluationNeeds, pooledOf, readingsOf } from '../evaluation/pooled-memory.ts';
import { openRunModel, openRunSamples, type RunModel } from '../shared/language-model.ts';
import { openPlannedSae, type PlannedSae } from '../shared/planned-saes.ts';
import { sharedText } from '../shared/sae-devices.ts';
import type { RunStart } from './messages.ts';

/** With the suites it will run, those of files among them. */
export type StartedRun = RunStart & {
  suites: readonly Suite[];
  /** Suites that its model cannot be asked. */
  leftOut: readonly Exclusion[];
  /** Hooks of all SAEs of the run: a shard cuts the language model where the whole run does. */
  cuts: readonly Hook[];
};

export interface OpenedRun {
  start: StartedRun;
  opened: RunModel<ActivationModel>;
  /** The first: of what belongs to no SAE. */
  device: Device;
  tokenizer: Tokenizer;
  /** Of a synthetic model samples, without documents. */
  text: Pick<EvaluationText, 'batches'> & Partial<EvaluationText>;
  saes: OpenedSae[];
}

interface OpenedSae {
  planned: PlannedSae;
  file: SaeFile;
  /** Where it lies. */
  device: Device;
}

/** Opens SAEs, and the language model cut at their layers, and closes them after use. Without any, does nothing. */
export async function withSaes<T>(
  start: StartedRun,
  planned: readonly PlannedSae[],
  reporter: (stage: string, unit: string) => Reporter,
  use: (run: OpenedRun) => Promise<T>,
): Promise<T | undefined> {
  if (planned.length === 0) return undefined;
  const { config, folder } = start;
  const devices = parseDevices(config.device);
  const [device] = devices;
  const readings = readingsOf(config, start.suites);
  const synthetic = isSynthetic(start.model.folder);
  const loaded = synthetic ? noTokenizer : await loadTokenizer(start.model.folder);
  const files: SaeFile[] = [];
  try {
    for (const each of planned) files.push(await openPlannedSae(folder, each));
    const needs = evaluationNeeds(
      config,
      start.suites,
      files.map(({ sae }) => pooledOf(sae)),
      devices,
    );
    const { sizes, places } = needs;
    const saes = planned.map((each, i) => ({ planned: each, file: files[i]!, device: places[i]! }));
    const shared = sharedText(
      planned.map(({ id }, i) => ({ id, bytes: sizes[i]! })),
      places,
    );
    if (shared !== null) reporter('evaluation', 'SAEs').note(shared);
    if (synthetic) {
      const opened = await openRunSamples(start.model);
      const { heldoutSeed } = config.corpus;
      const text = { batches: heldoutSamples(config, heldoutSeed, config.evaluation.tokens) };
      return await use({ start, opened, device, tokenizer: loaded, text, saes });
    }
    const opened = await openRunModel({
      device: config.device,
      precision: config.precision,
      spill: config.spill,
      place: start.model,
      folder,
      hooks: orderedHooks(planned.flatMap(hooksOfPlace)),
      cuts: start.cuts,
      memory: start.memory,
      maxTokens: Math.max(config.corpus.rowTokens, ...readings.map(({ rowTokens }) => rowTokens)),
      ...needs,
      threads: config.threads,
    });
    try {
      const tokenizer = knownTokens(loaded, opened.model.vocabulary);
      const text = await evaluationText(config, tokenizer, reporter('text', 'tokens'));
      return await use({ start, opened, device, tokenizer, text, saes });
    } finally {
      await opened.close();
    }
  } finally {
    for (const file of files) await file.close();
  }
}
