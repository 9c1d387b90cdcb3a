/** What of a run's settings does not fit together, each said of the setting to change. */
import { z } from 'zod';
import type { Place } from '../hook.ts';
import { complainAboutLength } from '../train/anneal.ts';
import { applies, ownSettings } from '../train/architectures/index.ts';
import type { Recipe } from '../train/recipe.ts';
import { SAE_LIMIT, type Sweep, sweptArchitectures, sweptRecipes } from './sweep.ts';
import { trainedPlaces } from './trained-hooks.ts';

export type Complain = (path: string[], message: string) => void;

/** Why a setting does nothing that none of the architectures has. */
export const nothingTo = (trained: readonly string[]): string => `it means nothing to ${trained.join(', ')}`;

/** Counts of tokens that hold nothing whole: no row, or no step that trains. */
export function complainAboutTokens(
  {
    corpus: { rowTokens },
    validation,
    training,
    sae,
    train,
  }: {
    corpus: { rowTokens: number };
    validation: { tokens: number | null };
    training: { tokens: number };
    sae: Recipe;
    train: boolean;
  },
  complain: Complain,
): void {
  if (validation.tokens !== null && validation.tokens < rowTokens)
    complain(['validation', 'tokens'], `expected at least one row of corpus.rowTokens (${rowTokens})`);
  // The first step of a warm-up has learning rate 0.
  const steps = sae.warmupSteps > 0 ? 2 : 1;
  const least = steps * sae.batchTokens;
  if (train && training.tokens < least) {
    const rate = steps === 2 ? ': the first step of a warm-up has learning rate 0' : '';
    complain(['training', 'tokens'], `expected at least ${steps} of sae.batchTokens (${least})${rate}`);
  }
}

/** A setting that means nothing to any architecture that is trained would be one that the user takes for working. */
export function complainAboutSettings(
  { sae, sweep: lists, train }: { sae: Recipe; sweep: Sweep; train: boolean },
  complain: Complain,
): void {
  if (!train) return;
  const trained = sweptArchitectures(sae, lists);
  for (const [name, setting] of Object.entries(ownSettings)) {
    if (trained.some((architecture) => applies(name, architecture))) continue;
    const message = `expected none: ${nothingTo(trained)}`;
    const given = sae[name as keyof Recipe];
    if (JSON.stringify(given) !== JSON.stringify(setting.parse(undefined))) complain(['sae', name], message);
    if (lists[name as keyof Sweep] !== undefined) complain(['sweep', name], message);
  }
}

export function complainAboutTranscoders(places: readonly Place[], sae: Recipe, complain: Complain): void {
  const transcoders = places.some(({ reads }) => reads !== undefined);
  if (!transcoders && sae.transcode !== undefined)
    complain(
      ['sae', 'transcode'],
      'expected none where no hook is a transcoder’s, such as mlp_in:4>mlp_out:4',
    );
  if (transcoders && sae.normalisation !== 'none')
    complain(['sae', 'normalisation'], 'expected none: transcoders are trained without');
}

export function complainAboutSweep(
  {
    sae,
    sweep: lists,
    training,
    train,
    ...places
  }: {
    sae: Recipe;
    sweep: Sweep;
    training: { tokens: number };
    train: boolean;
    layers: number[];
    hooks?: string[] | undefined;
  },
  complain: Complain,
): void {
  const parsed = attempt(() => sweptRecipes(sae, lists));
  if (parsed instanceof z.ZodError) {
    const issue = parsed.issues[0];
    complain(
      ['sweep'],
      `expected combinations that can be trained; of one, ${issue?.path.join('.')}: ${issue?.message}`,
    );
    return;
  }
  if (parsed.length * trainedPlaces(places).length > SAE_LIMIT) {
    complain(['sweep'], `expected at most ${SAE_LIMIT} SAEs, hooks times combinations`);
  }
  if (new Set(parsed.map(({ suffix }) => suffix)).size !== parsed.length) {
    complain(['sweep'], 'expected each value of a list once');
  }
  if (!train) return;
  for (const { recipe } of parsed) {
    if (!applies('sparsityPEnd', recipe.architecture)) continue;
    const steps = Math.ceil(training.tokens / recipe.batchTokens);
    for (const { setting, message } of complainAboutLength(recipe, steps))
      complain(['sae', setting], message);
  }
}

function attempt<T>(work: () => T): T | z.ZodError {
  try {
    return work();
  } catch (error) {
    if (error instanceof z.ZodError) return error;
    throw error;
  }
}

/** What is asked of SAEs of others and does not belong to the run. */
export function complainAboutOthers(
  {
    train,
    saes,
    training,
    evaluation,
  }: {
    train: boolean;
    saes: string[];
    training: { tokens: number; from: string[]; resampleTokens: number };
    evaluation: { transferFrom: string | null; otherModel: string | null };
  },
  complain: Complain,
): void {
  if (evaluation.transferFrom !== null) {
    const transfer = ['evaluation', 'transferFrom'];
    if (saes.length === 0) complain(transfer, 'expected null without SAEs of others: --transfer needs --sae');
    else if (train) complain(transfer, 'expected null where SAEs are trained: --transfer is without --train');
  }
  if (evaluation.otherModel !== null) {
    const other = ['evaluation', 'otherModel'];
    if (saes.length === 0) complain(other, 'expected null without SAEs of others: --other-model needs --sae');
    else if (train) complain(other, 'expected null where SAEs are trained: --other-model is without --train');
    else if (evaluation.transferFrom !== null)
      complain(
        other,
        'expected null where SAEs are measured on their own model too: --other-model is without --transfer',
      );
  }
  if (!train && training.from.length > 0)
    complain(['training', 'from'], 'expected none where nothing is trained');
  const resample = ['training', 'resampleTokens'];
  if (train && training.from.length === 0 && training.resampleTokens > 0)
    complain(resample, 'expected 0 where training.from names no SAE to start from');
  if (train && training.resampleTokens > training.tokens)
    complain(resample, `expected at most training.tokens (${training.tokens})`);
}
