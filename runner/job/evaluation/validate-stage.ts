/** Validation of SAEs on a budget of held-out tokens of its own: reconstruction, sparsity and dead latents, no losses. */
import type { CorpusSettings, ValidationSettings } from '../../config/sections.ts';
import { type HookSaes, onEachDevice, placesIn } from '../../evaluation/observation.ts';
import { placeName, placesAmong } from '../../hook.ts';
import { type ActivationModel, hasLosses, hookWidth } from '../../lm/language-model.ts';
import type { Observer } from '../../lm/observer.ts';
import { sweep } from '../../lm/sweep.ts';
import { resampleRows } from '../../metrics/bootstrap.ts';
import { hookStatistics } from '../../metrics/hook-statistics.ts';
import type { Device } from '../../onnx/devices.ts';
import type { ValidationReport } from '../../report/exports.ts';
import type { Reporter } from '../../reporter.ts';
import type { SaeFile } from '../../sae/checkpoints/loaded.ts';
import { type OpenSae, openSae } from '../../sae/open-sae.ts';
import { reconstructionSuite } from '../../suites/reconstruction.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { RunModel } from '../shared/language-model.ts';
import type { PlannedSae } from '../shared/planned-saes.ts';
import { heldoutSamples } from './heldout-samples.ts';
import { validationText } from './heldout-text.ts';

/** The report has values without intervals: one resample is the least the suites take. */
const NO_INTERVALS = { count: 1, seed: 0 };

/**
 * One pass over the validation tokens, as far as the last hook.
 *
 * @returns what each SAE scored, by id; undefined where the run has no validation of its own
 * @throws Stopped when the user asked to stop
 */
export async function validateStage(
  run: {
    config: {
      corpus: CorpusSettings;
      validation: ValidationSettings;
      sae: { batchTokens: number };
      threads: number | null;
    };
    device: Device;
    opened: RunModel<ActivationModel>;
    tokenizer: Tokenizer;
    /** With the device of each where that is another. */
    saes: readonly { planned: PlannedSae; file: SaeFile; device?: Device }[];
  },
  reporter: Reporter,
): Promise<Map<string, ValidationReport> | undefined> {
  const { config, device, opened, tokenizer, saes } = run;
  const { tokens: wanted } = config.validation;
  if (wanted === null) return undefined;
  const { model } = opened;
  const threads = config.threads === null ? {} : { threads: config.threads };
  const batches = hasLosses(model)
    ? (await validationText(config, tokenizer, wanted, reporter)).batches
    : heldoutSamples(config, config.validation.seed, wanted);
  const hooks: (HookSaes & { ids: string[] })[] = [];
  try {
    for (const hook of placesAmong(saes.map(({ planned }) => planned))) {
      const here = saes.filter(({ planned }) => placeName(planned) === placeName(hook));
      const open: OpenSae[] = [];
      hooks.push({
        ...hook,
        d: hookWidth(model, hook),
        saes: open,
        ids: here.map(({ planned }) => planned.id),
      });
      for (const { file, device: on = device } of here)
        open.push(await openSae(file.sae, { device: on, ...threads }));
    }
    const statistics = hooks.map(({ d, saes: here }) =>
      hookStatistics(
        d,
        here.map((sae) => sae.d_sae),
      ),
    );
    const observer: Observer = {
      async see({ hook, index, batch, residual: x, input }) {
        const tokens = batch.rows * batch.tokens;
        const views = await onEachDevice(hooks[hook]!, async (sae) => {
          const { reconstruction, k, indices, values } = await sae.reconstruct(input, tokens, batch.tokens);
          return { reconstruction, latents: { k, indices, values } };
        });
        statistics[hook]!.add({ x, tokens, pass: index }, views);
        return [];
      },
    };
    const places = placesIn(model, hooks);
    await sweep(model, batches, [observer], { ...(await opened.sweeping(reporter, batches, 0)), places });
    const resamples = resampleRows(batches.length, NO_INTERVALS);
    const report = new Map<string, ValidationReport>();
    for (const [hook, { ids, saes: here }] of hooks.entries()) {
      for (const [i, { metrics }] of reconstructionSuite(statistics[hook]!.tables(), resamples).entries()) {
        const dead = metrics['dead_fraction@v1'].value;
        const alive = metrics['alive@v1'].value;
        report.set(ids[i]!, {
          var_expl: metrics['var_exp@chunk-v1'].value,
          l0: metrics['l0@v1'].value,
          alive: alive === null ? null : Math.round(alive * here[i]!.d_sae),
          dead_pct: dead === null ? null : 100 * dead,
        });
      }
    }
    return report;
  } finally {
    for (const hook of hooks) for (const sae of hook.saes) await sae.close();
  }
}
