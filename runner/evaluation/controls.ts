/** From what was gathered about controls to the part of a record that shows them. */
import type { LossTable } from '../metrics/loss-recovered.ts';
import type { Controls, ReconstructionControl } from '../report/schema.ts';
import { controlsSuite, rowsFrom } from '../suites/controls.ts';
import type { ControlledValue } from '../suites/suite.ts';
import type { ControlsMeasured } from './control-pass.ts';
import { CONTROL_STREAMS } from './reconstructors.ts';
import type { HookMeasured } from './token-pass.ts';

interface Draws {
  resamples: number;
  seed: number;
}

/** The record's `controls` of one SAE. */
export function controlsPart(
  hook: HookMeasured,
  index: number,
  measured: ControlsMeasured,
  ofSuites: readonly ControlledValue[],
  draws: Draws,
): Controls {
  const { firstRow } = measured;
  const table = hook.losses?.[index];
  if (table === undefined) throw new TypeError('controls are of models with losses');
  const losses: LossTable = {
    predictions: table.predictions.slice(firstRow),
    clean: table.clean.slice(firstRow),
    sae: table.sae.slice(firstRow),
    zero: table.zero.slice(firstRow),
  };
  const found = controlsSuite({
    documents: hook.documents?.slice(firstRow),
    activations: measured.tables.activations,
    losses,
    sae: {
      reconstruction: rowsFrom(hook.tables.saes[index]!.reconstruction, firstRow),
      losses: losses.sae,
    },
    controls: measured.controls.flatMap(({ name, of, k }, i) =>
      of.includes(index)
        ? [
            {
              name,
              note: noteOfControl[name](k, measured.fitTokens),
              ...measured.tables.saes[i]!,
              losses: measured.losses[i]!,
            },
          ]
        : [],
    ),
    leftOut: measured.leftOut.filter(({ of }) => of.includes(index)),
    ofSuites,
    fitTokens: measured.fitTokens,
    draws,
  });
  return { ...found, streams: CONTROL_STREAMS };
}

const noteOfControl: Readonly<
  Record<ReconstructionControl, (k: number | null, fitTokens: number) => string>
> = {
  identity: () => 'x̂ = x, run like any other.',
  pca: (k, tokens) =>
    `${k} principal components of ${tokens.toLocaleString('en-US')} tokens before the controlled rows.`,
  untrained: (k) => `A random TopK SAE of the same shape, k = ${k}.`,
  permuted_decoder: () => 'The SAE’s latents, its decoder rows in another order.',
};
