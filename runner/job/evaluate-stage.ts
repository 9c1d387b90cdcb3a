import { serialize } from 'node:v8';
import type { RunConfig } from '../config/run-config.ts';
import {
  type ConceptOptions,
  conceptTexts,
  evaluateConcepts,
  planConceptSuites,
} from '../evaluation/concepts.ts';
import { type ControlPass, controlPass } from '../evaluation/control-pass.ts';
import { type ProbeControls, probeControls } from '../evaluation/controls.ts';
import { observeCore } from '../evaluation/core-pass.ts';
import { type Evaluated, evaluate } from '../evaluation/evaluate.ts';
import {
  documentsOf,
  type HookSaes,
  type Kept,
  type Observation,
  observe,
} from '../evaluation/observation.ts';
import { pairingKeys } from '../evaluation/pairing.ts';
import { observeProbes } from '../evaluation/probe-pass.ts';
import { sharedEncoding } from '../evaluation/shared-encoding.ts';
import { observeTokens } from '../evaluation/token-pass.ts';
import { type ContentCache, remembered } from '../io/content-cache.ts';
import { canonicalJson, sha256 } from '../io/hash.ts';
import { cachedModel } from '../lm/cached-model.ts';
import type { TokenBatch } from '../lm/language-model.ts';
import type { Device } from '../onnx/devices.ts';
import type { Features } from '../probes/features.ts';
import type { Exclusion } from '../report/schema.ts';
import type { Reporter } from '../reporter.ts';
import type { SaeFile } from '../sae/checkpoints/loaded.ts';
import { decoderDirections } from '../sae/directions.ts';
import { encodingThread } from '../sae/encoding-thread.ts';
import { type OpenSae, openSae } from '../sae/open-sae.ts';
import { needsOf } from '../suites/needs.ts';
import type { ProbeTask } from '../suites/probe-task.ts';
import { beginningToken, specialTokens } from '../text/bos-rows.ts';
import { encodedTexts } from '../text/encoded-texts.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { RunModel } from './language-model.ts';
import type { PlannedSae } from './planned-saes.ts';
import { probeTasks, removedTexts } from './probe-tasks.ts';
import { coreBatches, type EvaluationText, probeSets } from './text.ts';

export interface EvaluateStage {
  /** By hook, of one hook in the order given. */
  evaluated: { planned: PlannedSae; evaluated: Evaluated }[];
  /** What was evaluated on. */
  tokens: number;
  rows: number;
  /** Documents that hold most of a row: what is resampled. */
  blocks: number | undefined;
  documents: EvaluationText['documents'];
  /** What the run's suites asked for and did not get. */
  exclusions: Exclusion[];
}

/**
 * Evaluates SAEs, any number a hook: one pass over the union of the text that the run's suites ask for.
 *
 * @throws Stopped when the user asked to stop; nothing is kept, the stage starts again
 */
export async function evaluateStage(
  run: {
    config: RunConfig;
    device: Device;
    opened: RunModel;
    tokenizer: Tokenizer;
    /** With the content hash of each. */
    saes: readonly { planned: PlannedSae; file: SaeFile; sha256: string }[];
    text: EvaluationText;
    /** Where what no SAE decides is kept. */
    kept?: Kept | undefined;
  },
  reporter: (stage: string, unit: string) => Reporter,
): Promise<EvaluateStage> {
  const { config, device, opened, tokenizer, saes, kept } = run;
  const model = kept === undefined ? opened.model : cachedModel(opened.model, kept.cache, kept.identity);
  const { dModel } = model;
  const { suites, resamples, seed } = config.evaluation;
  const needs = needsOf(suites);
  const threads = config.threads === null ? {} : { threads: config.threads };
  const hooks: HookSaes[] = [];
  const thread = encodingThread();
  let controls: ControlPass | null = null;
  try {
    const order: PlannedSae[] = [];
    const byHook: { file: SaeFile; sha256: string }[][] = [];
    for (const layer of model.hooks) {
      const open: OpenSae[] = [];
      hooks.push({ layer, saes: open });
      const here = saes.filter((each) => each.planned.layer === layer);
      byHook.push(here);
      for (const { planned, file } of here) {
        open.push(sharedEncoding(await openSae(file.sae, { device, ...threads, thread })));
        order.push(planned);
      }
    }

    const reading = reporter('text', 'tokens');
    const exclusions: Exclusion[] = [];
    const { batches, documents } = run.text;
    const { controlTokens } = config.evaluation;
    if (needs.tasks && controlTokens > 0) {
      controls = controlPass(dModel, hooks, batches, {
        tokens: controlTokens,
        hashes: byHook.map((here) => here.map(({ sha256 }) => sha256)),
        seed,
        device,
        ...threads,
        ...(kept && { kept }),
      });
      if (controls === null) {
        const rows = batches[0]?.rows ?? 0;
        const reason = `all ${rows} rows are one batch (sae.batchTokens = ${config.sae.batchTokens}), and controls take two: one to fit on, one to control; lower sae.batchTokens or raise evaluation.tokens`;
        exclusions.push({ suite: 'controls', data: 'held-out text', reason });
      }
    }
    const packed = observeTokens(dModel, hooks, batches, controls === null ? [] : [controls.observer]);
    const core = needs.bosRows
      ? await coreObservation(config, tokenizer, reading, { dModel, hooks, kept }, exclusions)
      : null;
    const tasks = needs.tasks ? await probeTasks(config, tokenizer, reading, kept?.cache) : null;
    exclusions.push(...(tasks?.removed ?? []));
    const taskTexts = tasks && observeProbes(dModel, hooks, tasks.texts, { residual: controls !== null });
    const options: ConceptOptions = {
      suites,
      ks: config.evaluation.kValues,
      ns: config.evaluation.nValues,
      scrPairs: config.probing.scrPairs,
      seed: config.evaluation.probeSeed,
      resamples,
      resampleSeed: seed,
    };
    const sets = needs.sets ? await conceptSets(config, tokenizer, reading, exclusions, kept?.cache) : [];
    const plans = planConceptSuites(
      sets.map(({ set }) => set),
      options,
    );
    exclusions.push(...plans.exclusions);
    const setTexts = sets.map(({ texts }) => observeProbes(dModel, hooks, texts, { residual: true }));

    const all = [packed, core?.observation, taskTexts, ...setTexts].filter((each) => !!each);
    await observe(model, all as Observation<unknown>[], (union, branches) =>
      opened.sweeping(reporter('measuring', 'tokens'), union, branches),
    );

    const scoring = reporter('scoring', 'SAEs');
    scoring.progress(0, order.length);
    const pooled = taskTexts?.found();
    const ofTasks = pooled?.map(({ latents }) => latents.map((each) => tasks!.of(each))) ?? null;
    const pooledSets = setTexts.map((each) => each.found());
    const evaluated = await evaluate(
      {
        hooks: packed.found(),
        tasks: ofTasks,
        core: core?.observation.found() ?? null,
        controls: controls && {
          measured: controls.measured(),
          probing: await probingControls(
            pooled!.map(({ residual }) => tasks!.of(residual!)),
            { resamples, seed },
            kept?.cache,
          ),
        },
        concepts: needs.sets
          ? byHook.map((ofHook, hook) =>
              evaluateConcepts(
                plans,
                pooledSets.map((found) => ({
                  residual: found[hook]!.residual!,
                  latents: found[hook]!.latents,
                })),
                ofHook.map(
                  ({ file }) =>
                    () =>
                      decoderDirections(file.sae),
                ),
                options,
                (set, residual, make) =>
                  remembered(
                    kept?.cache,
                    canonicalJson(['concepts', options, sets[set]!.set, hashOf(residual)]),
                    make,
                  ),
              ),
            )
          : null,
      },
      {
        resamples,
        seed,
        splitSeeds: config.evaluation.splitSeeds,
        pairing: pairingKeys(batches, ofTasks?.[0]?.[0] ?? [], { resamples, seed }),
        coreText: core?.data,
        onSae: (done, total) => scoring.progress(done, total),
      },
    );
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
    return {
      evaluated: evaluated.map((each, i) => ({ planned: order[i]!, evaluated: each })),
      rows,
      tokens: rows * config.corpus.rowTokens,
      blocks: blocksOf(batches),
      documents,
      exclusions,
    };
  } finally {
    await controls?.close();
    for (const hook of hooks) for (const sae of hook.saes) await sae.close();
    await thread.close();
  }
}

/** The probes that no SAE decides, for each hook; kept under a hash of their features and labels. */
async function probingControls(
  hooks: readonly (readonly ProbeTask[])[],
  draws: { resamples: number; seed: number },
  cache: ContentCache | undefined,
): Promise<ProbeControls[]> {
  const found: ProbeControls[] = [];
  for (const tasks of hooks) {
    const content = tasks.map(({ task, features, labels }) => {
      return [task, hashOf(features), Array.from(labels)];
    });
    const key = canonicalJson(['probe controls', draws, content]);
    found.push(await remembered(cache, key, () => probeControls(tasks, draws)));
  }
  return found;
}

function hashOf(features: Features): string {
  return sha256(serialize(features));
}

/** Null, and an exclusion, where the tokenizer has no token that rows could begin with. */
async function coreObservation(
  config: RunConfig,
  tokenizer: Tokenizer,
  reading: Reporter,
  { dModel, hooks, kept }: { dModel: number; hooks: readonly HookSaes[]; kept: Kept | undefined },
  exclusions: Exclusion[],
) {
  const begin = beginningToken(tokenizer);
  if (begin === null) {
    const reason = 'the tokenizer has neither BOS nor EOS for rows to begin with';
    exclusions.push({ suite: 'core', data: 'held-out text', reason });
    return null;
  }
  const special = specialTokens(tokenizer);
  const batches = await coreBatches(config, tokenizer, begin.id, reading);
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const blocks = blocksOf(batches);
  const counted = (ids: Int32Array): number => ids.reduce((sum, id) => sum + (special.has(id) ? 0 : 1), 0);
  return {
    observation: await observeCore(dModel, hooks, batches, special, kept),
    data: {
      name: 'held-out text',
      cells: {
        rows,
        ...(blocks === undefined ? {} : { blocks }),
        row_tokens: batches[0]!.tokens,
        tokens: rows * batches[0]!.tokens,
        counted_positions: batches.reduce((sum, { ids }) => sum + counted(ids), 0),
      },
      note: `rows begin with ${begin.name}${begin.name === 'EOS' ? ', as the tokenizer has no BOS' : ''}, which also stands between documents`,
    },
  };
}

/** How many documents hold most of a row. */
function blocksOf(batches: readonly TokenBatch[]): number | undefined {
  const documents = documentsOf(batches);
  return documents && new Set(documents).size;
}

/** The sets of several classes that the run names. */
async function conceptSets(
  config: RunConfig,
  tokenizer: Tokenizer,
  reading: Reporter,
  exclusions: Exclusion[],
  cache: ContentCache | undefined,
) {
  const { setTrainTexts, setTestTexts, setTokens, probeSeed } = config.evaluation;
  const load = probeSets(config, reading);
  const special = specialTokens(tokenizer);
  const found = [];
  for (const each of config.probing.sets) {
    const name = typeof each === 'string' ? each : each.name;
    const set = await load(name, {
      kind: 'balanced',
      trainPerClass: setTrainTexts,
      testPerClass: setTestTexts,
      seed: probeSeed,
    });
    exclusions.push(...removedTexts(set, 'probing.sets'));
    const texts = [...set.train, ...set.test].map(({ text }) => text);
    found.push(conceptTexts(set, await encodedTexts(tokenizer, texts, setTokens, cache), special));
  }
  return found;
}
