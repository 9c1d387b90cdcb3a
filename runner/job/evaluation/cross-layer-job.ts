/** A cross-layer transcoder on a language model, from its files to what is measured of it. */
import type { RunConfig } from '../../config/run-config.ts';
import { settingsOf } from '../../config/suite-settings.ts';
import { UserError } from '../../errors.ts';
import { sweepAsks } from '../../evaluation/asks.ts';
import { type HookSaes, observe } from '../../evaluation/observation.ts';
import { hooksOfCrossLayer, type ReplacedMlps, replacedMlps } from '../../evaluation/replaced-mlps.ts';
import type { Hook } from '../../hook.ts';
import { knownTokens } from '../../lm/known-tokens.ts';
import { hookWidth, type TokenBatch } from '../../lm/language-model.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { Part } from '../../report/schema.ts';
import type { Reporter } from '../../reporter.ts';
import { openCrossLayer } from '../../sae/checkpoints/cross-layer.ts';
import { type OpenSae, openSae } from '../../sae/open-sae.ts';
import { fullProbe, kSparseProbes, kSparseSuite } from '../../suites/k-sparse/k-sparse.ts';
import { kSparse } from '../../suites/k-sparse/suite.ts';
import { plannedSets } from '../../suites/sets.ts';
import { loadTokenizer, type Tokenizer } from '../../text/tokenizer.ts';
import { openRunModel, type RunModel } from '../shared/language-model.ts';
import { type ModelPlace, modelShape } from '../shared/model-place.ts';
import { evaluationText } from './heldout-text.ts';
import { readingsOf } from './pooled-memory.ts';
import { suiteContexts } from './suite-contexts.ts';

export interface MeasuredCrossLayer extends ReplacedMlps {
  model_name: string;
  reads: string;
  architecture: OpenSae['architecture'];
  /** Latents of each layer. */
  d_sae: number[];
  /** k-sparse probing on the latents of each layer, by themselves; null where the settings name no sets (probing.sets). */
  probing: Part[] | null;
}

/**
 * @param folder that its files lie in
 * @param scratch folder for residuals of a model that is larger than memory
 * @throws UserError where it is of a model of another shape; errors as opening both does
 */
export async function crossLayerJob(
  run: { config: RunConfig; model: ModelPlace; folder: string; scratch: string; memory: number },
  reporter: (stage: string, unit: string) => Reporter,
): Promise<MeasuredCrossLayer> {
  const { config, model: place, folder } = run;
  const file = await openCrossLayer(folder);
  const layers: OpenSae[] = [];
  try {
    const hooks = hooksOfCrossLayer(file);
    const shape = await modelShape(place);
    const width = shape.widthAt({ layer: 0, site: 'mlp_out', ofModule: false });
    if (shape.blocks !== file.layers.length || width !== file.d_model) {
      throw new UserError({
        thing: `cross-layer transcoder of ${file.model_name}`,
        found: `${file.layers.length} layers of width ${file.d_model}`,
        expected: `${shape.blocks} of width ${width}, as the language model has`,
        next: 'Give its own model with --model.',
      });
    }
    const threads = config.threads === null ? {} : { threads: config.threads };
    const [device] = parseDevices(config.device);
    const opened = await openRunModel({
      ...{ device: config.device, precision: config.precision, spill: config.spill },
      ...{ place, folder: run.scratch, hooks, memory: run.memory, threads: config.threads },
      maxTokens: config.corpus.rowTokens,
      positions: config.sae.batchTokens,
      saes: file.layers.reduce((sum, { d_in, d_out = d_in, d_sae }) => sum + 4 * (d_in + d_out) * d_sae, 0),
    });
    try {
      const tokenizer = knownTokens(await loadTokenizer(place.folder), opened.model.vocabulary);
      const reading = reporter('text', 'tokens');
      const { batches } = await evaluationText(config, tokenizer, reading);
      for (const sae of file.layers) layers.push(await openSae(sae, { device, ...threads }));
      const clt = { reads: file.reads, d: file.d_model, layers, biases: file.biases };
      const { resamples, seed } = config.evaluation;
      const measured = await replacedMlps(
        opened.model,
        clt,
        batches,
        { resamples, seed },
        reporter('measuring', 'passes'),
      );
      const hooks = layers.map((sae, layer): HookSaes => {
        const at: Hook = { layer, site: file.reads };
        return { ...at, d: hookWidth(opened.model, at), saes: [sae] };
      });
      const probing = await probed({ config, opened, tokenizer, batches, hooks }, reporter);
      return {
        model_name: file.model_name,
        reads: file.reads,
        architecture: layers[0]!.architecture,
        d_sae: layers.map(({ d_sae }) => d_sae),
        ...measured,
        probing,
      };
    } finally {
      await opened.close();
    }
  } finally {
    for (const sae of layers) await sae.close();
    await file.close();
  }
}

/** As suite k-sparse has it of any SAE at the hook that the latents read. */
async function probed(
  run: {
    config: RunConfig;
    opened: RunModel;
    tokenizer: Tokenizer;
    batches: readonly TokenBatch[];
    hooks: readonly HookSaes[];
  },
  reporter: (stage: string, unit: string) => Reporter,
): Promise<Part[] | null> {
  const { config, opened, hooks } = run;
  const asks = sweepAsks(hooks, undefined);
  const notAsked = (): never => {
    throw new TypeError('k-sparse probing reads no decoder');
  };
  const contexts = suiteContexts({
    ...run,
    reading: reporter('text', 'tokens'),
    asks,
    controls: false,
    cached: undefined,
    effects: notAsked,
    nearest: notAsked,
    readings: readingsOf(config, [kSparse]),
  });
  const sets = await plannedSets(contexts.of(kSparse));
  if (sets === null) return null;
  const sweeping = (batches: readonly TokenBatch[], branches: number) =>
    opened.sweeping(reporter('probing', 'tokens'), batches, branches);
  await observe(opened.model, asks.observations, sweeping, hooks);
  const { kValues: ks } = settingsOf(kSparse, config) as { kValues: number[] };
  return hooks.map((_, hook) => {
    const inputs = sets.map(({ plan, pooled }) => {
      const { latents, residual } = pooled.at(hook);
      return {
        plan,
        latents: kSparseProbes(plan, latents[0]!, ks),
        untrained: null,
        residual: kSparseProbes(plan, residual!, ks),
        ceiling: fullProbe(plan, residual!),
      };
    });
    return kSparseSuite(inputs, ks);
  });
}
