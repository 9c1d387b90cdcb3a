/** k-sparse probing on the latents of a cross-layer transcoder, of one layer after the other. */
import type { RunConfig } from '../../config/run-config.ts';
import { settingsOf } from '../../config/suite-settings.ts';
import { sweepAsks } from '../../evaluation/asks.ts';
import { type HookSaes, observe } from '../../evaluation/observation.ts';
import type { TokenBatch } from '../../lm/language-model.ts';
import type { Exclusion, Measure, Part } from '../../report/schema.ts';
import { PROBED_LATENTS } from '../../report/suites/cross-layer.ts';
import type { Reporter } from '../../reporter.ts';
import { kSparse, probing } from '../../suites/k-sparse/suite.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { RunModel } from '../shared/language-model.ts';
import { readingsOf } from './pooled-memory.ts';
import { suiteContexts } from './suite-contexts.ts';

export type CrossLayerProbing = Required<Pick<Part, 'curves' | 'tables'>>;

/**
 * The suite's scores of an SAE at each hook that latents of a layer read.
 *
 * @param exclusions gets what is not probed, with the reason
 * @returns null where there is no set to probe, or no number of latents that is shown
 * @throws Stopped when the user asked to stop
 */
export async function crossLayerProbing(
  run: {
    config: RunConfig;
    opened: RunModel;
    tokenizer: Tokenizer;
    batches: readonly TokenBatch[];
    /** One for each layer, with its latents as the only SAE there. */
    hooks: readonly HookSaes[];
  },
  exclusions: Exclusion[],
  reporter: (stage: string, unit: string) => Reporter,
): Promise<CrossLayerProbing | null> {
  const { config, opened, hooks } = run;
  const { kValues } = settingsOf(kSparse, config) as { kValues: number[] };
  const most = Math.max(...hooks.map(({ saes: [sae] }) => sae!.d_sae));
  const ks = PROBED_LATENTS.filter((k) => kValues.includes(k) && k <= most);
  const unprobed = kValues
    .filter((each) => !ks.some((k) => k === each))
    .map((k): Exclusion => {
      const reason =
        k > most
          ? `a layer has ${most} latents`
          : `of a cross-layer transcoder probes of ${PROBED_LATENTS.join(', ')} latents are shown`;
      return { suite: kSparse.declaration.id, data: `evaluation.kValues ${k}`, reason };
    });
  if (ks.length === 0) {
    exclusions.push(...unprobed);
    return null;
  }
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
  const suite = await probing(contexts.of(kSparse), { kValues: ks });
  exclusions.push(...contexts.exclusions);
  if (suite === null) return null;
  exclusions.push(...unprobed);
  const sweeping = (batches: readonly TokenBatch[], branches: number) =>
    opened.sweeping(reporter('probing', 'tokens'), batches, branches);
  await observe(opened.model, asks.observations, sweeping, hooks);
  const parts: Part[] = [];
  for (const hook of hooks.keys()) parts.push((await suite.score({ hook, index: 0 })).part);
  const at = (part: Part, k: number): Record<string, Measure> => {
    const { points, constants } = part.curves!.accuracy!;
    return { ...constants, ...points.find((point) => point.at === k)!.values };
  };
  return {
    curves: Object.fromEntries(
      ks.map((k) => [
        `probing_k${k}`,
        { points: parts.map((part, layer) => ({ at: layer, values: at(part, k) })), sets: [] },
      ]),
    ),
    tables: { data_sets: parts[0]!.tables!.data_sets! },
  };
}
