/**
 * `export`: SAEs, of a run or of others, in the layout of SAELens version 6, which its `SAE.load_from_disk` reads; or what
 * was measured about them, in SAEBench's.
 */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { hookOf, placeLabel } from '../hook.ts';
import { openSaeFile } from '../sae/checkpoints/load.ts';
import { releaseFiles, releaseId } from '../sae/checkpoints/reference-release.ts';
import { saeLensFiles } from '../sae/checkpoints/sae-lens.ts';
import { notInSaeLens, type SaeLensMetadata, writeSaeLens } from '../sae/checkpoints/sae-lens-export.ts';
import { hookPath, saeHookIfSaid, transcoderTarget } from '../sae/published/hook-names.ts';
import { parseSaeName } from '../sae/published/locate.ts';
import type { SaePlace } from '../sae/published/place.ts';
import { exportNeuronpedia, exportSaeBench } from './export-results.ts';
import { locateNamed } from './locate-saes.ts';
import { options, words } from './options/export.ts';
import { parseOptions } from './parse-options.ts';
import { progressView } from './progress.ts';

const FORMATS = ['saelens', 'saebench', 'neuronpedia'] as const;

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('export', args, options, words);
  const { to } = values;
  if (positionals.length === 0 || to === undefined) {
    throw wrong(args.map(quote).join(' ') || 'none', 'a run folder or SAEs, and --to FOLDER');
  }
  const format = FORMATS.find((each) => each === (values.format ?? 'saelens'));
  if (format === undefined) throw wrong(`--format ${quote(values.format!)}`, FORMATS.join(', '));
  const foreign = (['source-set', 'creator'] as const).find((name) => values[name] !== undefined);
  if (foreign !== undefined && format !== 'neuronpedia')
    throw wrong(`--${foreign} with --format ${format}`, 'it with --format neuronpedia');
  if (format === 'saebench' && values.model !== undefined)
    throw wrong('--model with --format saebench', 'the model that the record names');
  const view = progressView(process.stdout);
  try {
    if (format === 'saebench') {
      for (const path of await exportSaeBench(positionals, to)) view.line(path);
      return 0;
    }
    if (format === 'neuronpedia') {
      const { model, 'source-set': set, creator } = values;
      if (creator === undefined) throw wrong('no --creator', 'the id of the rows’ owner at Neuronpedia');
      for (const path of await exportNeuronpedia(positionals, to, { model, set, creator })) view.line(path);
      return 0;
    }
    const names = (await Promise.all(positionals.map(expanded))).flat();
    const places = await locateNamed(names, view);
    const targets = places.map((place) => (places.length === 1 ? to : join(to, folderName(place))));
    const twice = targets.find((target, i) => targets.indexOf(target) !== i);
    if (twice !== undefined) throw wrong(`two SAEs for ${twice}`, 'names that differ at their end');
    for (const target of targets) await checkFree(target);
    // All of them are looked at before the first is written: what is refused leaves nothing behind.
    const metadata: SaeLensMetadata[] = [];
    for (const place of places) metadata.push(await metadataOf(place, values.model));
    for (const [i, place] of places.entries()) {
      const conversions = await exportSae(place, targets[i]!, metadata[i]!);
      view.line(targets[i]!);
      for (const conversion of conversions) view.line(`  ${quote(conversion)}`);
    }
    return 0;
  } finally {
    view.end();
  }
}

/** A folder of several SAEs of a run as each of them. */
async function expanded(text: string): Promise<string[]> {
  const { name, options: given } = parseSaeName(text);
  if (
    given.layer !== undefined ||
    given.hook !== undefined ||
    !existsSync(name) ||
    !(await stat(name)).isDirectory()
  )
    return [text];
  const ids = (await readdir(name)).map(releaseId).filter((id) => id !== null);
  if (ids.length === 0 && existsSync(join(name, 'run.json'))) {
    throw new UserError({
      thing: name,
      found: 'a run that trained no SAEs',
      expected: 'a run that did',
      next: 'Export the SAEs that it measured by the names that --sae was given.',
    });
  }
  return ids.length < 2 ? [text] : ids.sort().map((id) => join(name, releaseFiles(id).tensors));
}

/** What tells an SAE from the others: its id in a run, the end of its path or of its name. */
function folderName({ name, hook: { asked } }: Pick<SaePlace, 'name' | 'hook'>): string {
  const last = (
    parseSaeName(name)
      .name.split(/[/:\\]/)
      .filter(Boolean)
      .at(-1) ?? 'sae'
  ).replace(/[^\w.-]/g, '_');
  const stem = releaseId(last) ?? last.replace(/\.pth?$/, '');
  return asked === undefined
    ? stem
    : `${stem}_${placeLabel(typeof asked === 'number' ? hookOf(asked) : asked)}`;
}

async function checkFree(target: string): Promise<void> {
  if (!existsSync(join(target, saeLensFiles.config)) && !existsSync(join(target, saeLensFiles.tensors)))
    return;
  throw new UserError({
    thing: target,
    found: 'an SAE there',
    expected: 'a folder without one',
    next: 'Choose another folder, or delete this one.',
  });
}

/** What is said of an SAE beside its tensors. @throws UserError where the layout has no place for it, or something is not known */
async function metadataOf(place: SaePlace, model: string | undefined): Promise<SaeLensMetadata> {
  const { sae, details, close } = await openSaeFile(place.path, place.options);
  await close();
  const kind = notInSaeLens(sae);
  if (kind !== null) {
    throw new UserError({
      thing: quote(place.name),
      found: `${kind}, which SAELens does not have`,
      expected: 'an SAE, or a transcoder of ReLU or JumpReLU latents',
      next: 'Load it with Interpboard’s library instead: getSae reads it where it is.',
    });
  }
  const model_name = model ?? details.model_name;
  if (model_name === null)
    throw wrong(`no model for ${quote(place.name)}`, '--model NAME: its files do not say it');
  const hook = saeHookIfSaid(details, place.hook);
  const hook_name = hook === null ? details.hook_name : hookPath(hook);
  if (hook_name === null) throw wrong(`no hook for ${quote(place.name)}`, '#hook=SITE:N after its name');
  const out = sae.d_out === undefined ? null : transcoderTarget(place.name, details, place.hook);
  return { model_name, hook_name, ...(out === null ? {} : { hook_name_out: hookPath(out) }) };
}

/** @returns what was done to its tensors when they were read */
async function exportSae(place: SaePlace, target: string, metadata: SaeLensMetadata): Promise<string[]> {
  const file = await openSaeFile(place.path, place.options);
  try {
    const { sae, conversions } = await file.load();
    await writeSaeLens(target, sae, metadata);
    return conversions;
  } finally {
    await file.close();
  }
}

function wrong(found: string, expected: string): UserError {
  return new UserError({
    thing: 'arguments of export',
    found,
    expected,
    next: 'Run npx interpboard export --help.',
  });
}
