/** SAEs on another model than their own: what is said at the start, and the run that measures them on their own. */
import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { NAME_LIMIT, type RunConfig } from '../config/run-config.ts';
import { DEMO_MODEL } from '../demo/model-folder.ts';
import { quote, UserError } from '../errors.ts';
import { formatReference, parseReference } from '../hub/reference.ts';
import { namesModel } from '../job/evaluation/sae-facts.ts';
import type { PublishedSae } from '../job/shared/published-saes.ts';
import { ownRunOf } from '../report/transfer.ts';
import { optionWords } from './parse-options.ts';

/** A line where the SAE's files name another model than the one it is evaluated on; none where they name this or none. */
export function elsewhereText(
  sae: Pick<PublishedSae, 'details' | 'places'>,
  { model, evaluation: { transferFrom } }: Pick<RunConfig, 'model' | 'evaluation'>,
): string[] {
  const { model_name } = sae.details;
  if (model_name === null || namesModel(sae, model.id)) return [];
  // A name of somebody's file is no word to copy into a shell unless it is a plain one.
  const own = /^[\w./-]{1,200}$/.test(model_name) ? model_name : 'MODEL';
  const both =
    transferFrom === null && sae.places === undefined ? ` (--transfer ${own} measures it there too)` : '';
  return [`         of ${quote(model_name)}, evaluated on ${model.id}${both}`];
}

/** @throws UserError where the own model is the one that the SAEs are to be measured on beside it */
export function checkTransfer({ name, model, evaluation: { transferFrom } }: RunConfig): void {
  if (transferFrom === null) return;
  const own = ownRunOf(name);
  if (own.length > NAME_LIMIT) {
    throw new UserError({
      thing: '--transfer',
      found: `a run whose other part would be called ${own}`,
      expected: `at most ${NAME_LIMIT} characters`,
      next: `Give it a name of at most ${NAME_LIMIT - (own.length - name.length)} with --name.`,
    });
  }
  if (placeOfModel(transferFrom) !== placeOfModel(model.reference ?? DEMO_MODEL)) return;
  throw new UserError({
    thing: '--transfer',
    found: `${quote(transferFrom)}, which is the model that the SAEs are measured on`,
    expected: 'their own model, and another one with --model',
    next: 'Say the other model with --model, or leave --transfer out.',
  });
}

/** A folder by where it really lies, a repository by its name. */
function placeOfModel(reference: string): string {
  const parsed = parseReference(reference, { exists: existsSync, home: homedir() });
  if (parsed.kind === 'hub') return formatReference(parsed).toLowerCase();
  return existsSync(parsed.path) ? realpathSync(parsed.path) : resolve(parsed.path);
}

/** The words of the run that measures the same SAEs on their own model, over the same text. */
export function wordsOnOwnModel(
  { name, evaluation: { transferFrom } }: RunConfig,
  positionals: readonly string[],
  values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
): string[] {
  const replaced = {
    ...values,
    model: undefined,
    transfer: undefined,
    name: ownRunOf(name),
    'no-site': true,
  };
  const words = [...positionals, ...optionWords(replaced)];
  // A repository is of one run: that on the other model is sent there, which names the records of this one.
  words.push(
    '--set=evaluation.transferFrom=null',
    '--set=evaluation.pairEvery=true',
    '--set=upload.repository=null',
  );
  if (transferFrom !== DEMO_MODEL) return [...words, `--model=${transferFrom}`];
  return [...words, '--set=model.reference=null', `--set=model.id=${DEMO_MODEL}`];
}
