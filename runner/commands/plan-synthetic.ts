/** `plan` of a run on a synthetic model: it has no segments, and its samples are made as they are read. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { RunConfig } from '../config/run-config.ts';
import { hookLabel } from '../hook.ts';
import { openHubHere } from '../hub/here.ts';
import { formatReference, parseReference } from '../hub/reference.ts';
import { openRepository } from '../hub/repository-files.ts';
import { formatBytes } from '../io/bytes.ts';
import { stepOperations } from '../job/run/work.ts';
import { hooksOfPlans, trainedSaes } from '../job/shared/planned-saes.ts';
import { trainingNeeds } from '../job/training-data/training-needs.ts';
import { parseDevices } from '../onnx/devices.ts';
import { counted } from '../report/counted.ts';
import type { SyntheticConfig } from '../synthetic/config.ts';
import { CONFIG_FILE, isSynthetic, parseConfig, readConfig } from '../synthetic/layout.ts';
import { isConfiguration, namedSynthetic } from './locate-synthetic.ts';

export interface LocatedSynthetic {
  name: string;
  synthetic: SyntheticConfig;
}

/** The configuration of the synthetic model that a reference names; null where it names another model. */
export async function locateSynthetic(reference: string | null): Promise<LocatedSynthetic | null> {
  if (reference === null) return null;
  const named = namedSynthetic(reference);
  if (named !== null) return { name: reference, synthetic: await readConfig(named) };
  const parsed = parseReference(reference, { exists: existsSync, home: homedir() });
  if (parsed.kind === 'local') {
    const { path } = parsed;
    if (isConfiguration(path)) return { name: path, synthetic: await readConfig(path) };
    return isSynthetic(path) ? { name: path, synthetic: await readConfig(join(path, CONFIG_FILE)) } : null;
  }
  const repository = await openRepository(await openHubHere(), parsed);
  const path = parsed.path === null ? CONFIG_FILE : `${parsed.path}/${CONFIG_FILE}`;
  const source = await repository.open(path);
  if (source === null) return null;
  const name = formatReference({ ...parsed, revision: repository.commit });
  try {
    const text = new TextDecoder().decode(await source.slice(0, source.byteLength));
    return { name, synthetic: parseConfig(text, `${name}, ${path}`) };
  } finally {
    await source.close();
  }
}

/** What the run takes, in lines of a name and words. */
export function planOfSamples(
  { name, synthetic }: LocatedSynthetic,
  config: RunConfig,
  memory: number,
): [string, string][] {
  const { num_features: features, hidden_dim: d } = synthetic;
  const widths = trainedSaes(config).map(({ recipe }) => recipe.dSae);
  const count = (value: number): string => value.toLocaleString('en');
  const largest = Math.max(...widths, features);
  const plans = trainedSaes(config).map((plan) => ({ ...plan, d_in: d }));
  const seen = hooksOfPlans(plans);
  const numbers = new Map(seen.map((hook) => [hookLabel(hook), d]));
  const { sizes } = trainingNeeds(config, { plans, seen, widths: numbers }, parseDevices(config.device));
  const states = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const operations = widths.reduce((sum, width) => sum + stepOperations(d, d, width), 0);
  return [
    ['model', name],
    ['', `synthetic, ${count(features)} features in ${count(d)} dimensions`],
    ['memory', `${formatBytes(memory)} may be used`],
    ...(config.train
      ? [
          ['training', `${count(config.training.tokens)} samples, made as they are read`] satisfies [
            string,
            string,
          ],
          [
            '',
            `${counted(widths.length, 'SAE')}, ${formatBytes(states)}; ${((config.training.tokens * operations) / 1e12).toPrecision(3)} TFLOP`,
          ] satisfies [string, string],
        ]
      : []),
    ['evaluation', `${count(config.evaluation.tokens)} samples`],
    [
      '',
      `cosines of at most ${count(largest)} latents and all features, ${formatBytes(4 * largest * features)} at a time`,
    ],
  ];
}
