import { pairsEvery } from '../../config/run-config.ts';
import type { CorpusSettings, SuitesSettings } from '../../config/sections.ts';
import { settingsOf } from '../../config/suite-settings.ts';
import { sweepAsks } from '../../evaluation/asks.ts';
import { asksForControls, type ControlPass, controlPass } from '../../evaluation/control-pass.ts';
import { type Evaluated, evaluate, type RunningSuite } from '../../evaluation/evaluate.ts';
import { knownAblations } from '../../evaluation/known-ablations.ts';
import {
  blocksOf,
  type CachedResults,
  type HookSaes,
  type Observation,
  observe,
} from '../../evaluation/observation.ts';
import { pairingKeys } from '../../evaluation/pairing.ts';
import { sharedEncoding } from '../../evaluation/shared-encoding.ts';
import { observeTokens } from '../../evaluation/token-pass.ts';
import { type TruthPass, truthPass } from '../../evaluation/truth-pass.ts';
import { placeName, placesAmong } from '../../hook.ts';
import { cachedModel } from '../../lm/cached-model.ts';
import { type ActivationModel, hasLosses, hookWidth } from '../../lm/language-model.ts';
import type { Readout } from '../../lm/readout.ts';
import type { Device } from '../../onnx/devices.ts';
import type { Exclusion } from '../../report/schema.ts';
import type { Reporter } from '../../reporter.ts';
import type { SaeFile } from '../../sae/checkpoints/loaded.ts';
import { decoderDirections, decoderRows } from '../../sae/directions.ts';
import { encodingThread } from '../../sae/encoding-thread.ts';
import { nearestRows } from '../../sae/nearest-rows.ts';
import { type OpenSae, openSae } from '../../sae/open-sae.ts';
import type { Suite } from '../../suites/suite.ts';
import { isSyntheticModel } from '../../synthetic/model.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { RunModel } from '../shared/language-model.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';
import type { EvaluationText } from './heldout-text.ts';
import { readingsOf } from './pooled-memory.ts';
import { suiteContexts } from './suite-contexts.ts';

export interface EvaluateStage {
  /** By hook, of one hook in the order given; with 1 for each latent that fired, [d_sae]. */
  evaluated: { planned: PlannedSae; evaluated: Evaluated; fired: Uint8Array }[];
  /** What was evaluated on. */
  tokens: number;
  rows: number;
  /** Documents that hold most of a row: what is resampled. */
  blocks: number | undefined;
  documents: EvaluationText['documents'] | undefined;
  /** What the run's suites asked for and did not get. */
  exclusions: Exclusion[];
}

/**
 * Evaluates SAEs, any number per hook: one pass over the union of the text that the run's suites ask for.
 *
 * @throws Stopped when the user asked to stop; nothing is kept, the stage starts again
 */
export async function evaluateStage(
  run: {
    config: SuitesSettings & {
      corpus: CorpusSettings;
      sae: { batchTokens: number };
      threads: number | null;
    };
    device: Device;
    opened: RunModel<ActivationModel>;
    tokenizer: Tokenizer;
    suites: readonly Suite[];
    /** With the content hash of each, and its device where that is another. */
    saes: readonly { planned: PlannedSae; file: SaeFile; device?: Device; sha256: string }[];
    text: Pick<EvaluationText, 'batches'> & Partial<EvaluationText>;
    /** Where what does not depend on an SAE is cached. */
    cached?: CachedResults | undefined;
  },
  reporter: (stage: string, unit: string) => Reporter,
): Promise<EvaluateStage> {
  const { config, device, opened, tokenizer, suites, saes, cached } = run;
  const model =
    cached !== undefined && hasLosses(opened.model)
      ? cachedModel(opened.model, cached.cache, cached.identity)
      : opened.model;
  const { resamples, seed } = config.evaluation;
  const draws = { resamples, seed };
  const threads = config.threads === null ? {} : { threads: config.threads };
  const hooks: HookSaes[] = [];
  const thread = encodingThread();
  let controls: ControlPass | null = null;
  /** By how many tokens they give at each end. */
  const readouts = new Map<number, Promise<Readout>>();
  let truth: TruthPass | null = null;
  try {
    const order: PlannedSae[] = [];
    const byHook: { file: SaeFile; sha256: string }[][] = [];
    for (const place of placesAmong(saes.map(({ planned }) => planned))) {
      const open: OpenSae[] = [];
      hooks.push({ ...place, d: hookWidth(model, place), saes: open });
      const here = saes.filter(({ planned }) => placeName(planned) === placeName(place));
      byHook.push(here);
      for (const { planned, file, device: on = device } of here) {
        open.push(sharedEncoding(await openSae(file.sae, { device: on, ...threads, thread })));
        order.push(planned);
      }
    }

    const reading = reporter('text', 'tokens');
    const exclusions: Exclusion[] = [];
    const { batches, documents } = run.text;
    if (asksForControls(suites, config.evaluation)) {
      controls = controlPass(hooks, batches, {
        tokens: config.evaluation.controlTokens,
        hashes: byHook.map((here) => here.map(({ sha256 }) => sha256)),
        seed,
        device,
        ...threads,
        ...(cached && { cached }),
      });
      if (controls === null) {
        const rows = batches[0]?.rows ?? 0;
        const reason = `all ${rows} rows are one batch (sae.batchTokens = ${config.sae.batchTokens}), and controls take two: one to fit on, one to control; lower sae.batchTokens or raise evaluation.tokens`;
        exclusions.push({ suite: 'controls', data: 'held-out text', reason });
      }
    }
    if (isSyntheticModel(model) && suites.some(({ needs }) => needs === 'truth')) {
      reporter('matching', 'SAEs').progress(0, order.length);
      truth = await truthPass(
        model,
        hooks[0]!.saes.map((sae, i) => {
          const { file, sha256 } = byHook[0]![i]!;
          return { sae, directions: () => decoderDirections(file.sae), sha256 };
        }),
        batches,
        { seed, device, ...threads },
      );
    }
    const asks = sweepAsks(hooks, cached, controls);
    const contexts = suiteContexts({
      config,
      tokenizer,
      reading,
      hooks,
      asks,
      controls: controls !== null,
      truth: truth?.truth,
      cached,
      batches,
      async effects(directions, most) {
        const readout = readouts.get(most) ?? opened.openReadout(most);
        readouts.set(most, readout);
        return (await readout).effects(directions);
      },
      nearest: (decoder, latents, most, picked) =>
        nearestRows(decoder, latents, most, { picked, device, ...threads }),
      readings: readingsOf(config, suites),
    });
    const running: RunningSuite[] = [];
    for (const suite of suites) {
      const begun = await suite.begin(contexts.of(suite), settingsOf(suite, config));
      if (begun !== null) running.push({ suite, run: begun });
    }
    exclusions.push(...contexts.exclusions);
    const others = [...asks.heldOutObservers, ...(truth === null ? [] : [truth.observer])];
    const known = await knownAblations(hooks, batches, cached);
    const packed = observeTokens(hooks, batches, controls?.observer ?? null, others, hasLosses(model), known);
    const heldOut = { ...packed, branches: packed.branches + asks.heldOutBranches() };

    await observe(
      model,
      [heldOut as Observation<unknown>, ...asks.observations],
      (union, branches) => opened.sweeping(reporter('measuring', 'tokens'), union, branches),
      hooks,
    );

    const scoring = reporter('scoring', 'SAEs');
    scoring.progress(0, order.length);
    const measured = packed.result();
    const fired = measured.flatMap(({ tables }) =>
      tables.saes.map(({ firing }) => Uint8Array.from(firing!.firings, (count) => (count > 0 ? 1 : 0))),
    );
    const evaluated = await evaluate(measured, running, controls?.measured() ?? null, {
      draws,
      pairEvery: pairsEvery(config.evaluation),
      pairing: pairingKeys(
        batches,
        running.map(({ suite: { declaration, version }, run: { pairing = [] } }) => {
          return { id: declaration.id, version, definitions: declaration.definitions, pairing };
        }),
        draws,
      ),
      directions: (hook, index) => decoderDirections(byHook[hook]![index]!.file.sae),
      decoder: (hook, index) => decoderRows(byHook[hook]![index]!.file.sae),
      sha256: (hook, index) => byHook[hook]![index]!.sha256,
      onSae: (done, total) => scoring.progress(done, total),
    });
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
    return {
      evaluated: evaluated.map((each, i) => ({ planned: order[i]!, evaluated: each, fired: fired[i]! })),
      rows,
      tokens: rows * config.corpus.rowTokens,
      blocks: blocksOf(batches),
      documents,
      exclusions,
    };
  } finally {
    for (const readout of readouts.values())
      await readout.then(
        (each) => each.close(),
        () => undefined,
      );
    await controls?.close();
    await truth?.close();
    for (const hook of hooks) for (const sae of hook.saes) await sae.close();
    await thread.close();
  }
}
