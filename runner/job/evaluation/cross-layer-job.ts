/** A cross-layer transcoder on a language model, from its files to what is measured of it. */
import type { RunConfig } from '../../config/run-config.ts';
import { UserError } from '../../errors.ts';
import { hooksOfCrossLayer, type ReplacedMlps, replacedMlps } from '../../evaluation/replaced-mlps.ts';
import { knownTokens } from '../../lm/known-tokens.ts';
import { parseDevices } from '../../onnx/devices.ts';
import type { Reporter } from '../../reporter.ts';
import { openCrossLayer } from '../../sae/checkpoints/cross-layer.ts';
import { type OpenSae, openSae } from '../../sae/open-sae.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { openRunModel } from '../shared/language-model.ts';
import { type ModelPlace, modelShape } from '../shared/model-place.ts';
import { evaluationText } from './heldout-text.ts';

export interface MeasuredCrossLayer extends ReplacedMlps {
  model_name: string;
  reads: string;
  architecture: OpenSae['architecture'];
  /** Latents of each layer. */
  d_sae: number[];
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
      const { batches } = await evaluationText(config, tokenizer, reporter('text', 'tokens'));
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
      return {
        model_name: file.model_name,
        reads: file.reads,
        architecture: layers[0]!.architecture,
        d_sae: layers.map(({ d_sae }) => d_sae),
        ...measured,
      };
    } finally {
      await opened.close();
    }
  } finally {
    for (const sae of layers) await sae.close();
    await file.close();
  }
}
