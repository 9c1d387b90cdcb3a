/**
 * Light checkpoints that a run of this program left along its training: a folder per step, each in the layout of the
 * reference release.
 *
 *     snapshots/step-000100/{sae_L4_latest.safetensors, sae_L4_cfg.json, ...}
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../errors.ts';
import { hookOf, type Place, placeName, placeOfLabelled } from '../../hook.ts';
import { releaseFiles, releaseId } from '../checkpoints/reference-release.ts';
import type { SaePlace } from './place.ts';

/** Folder of them, in a run's folder and in its repository. */
export const SNAPSHOTS = 'snapshots';

const STEP = /^step-(\d{6,15})$/;

export function stepFolder(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/**
 * The light checkpoints below a place, by step and SAE.
 *
 * @param step the only one wanted; undefined for all
 * @returns null where the place has no folders of steps
 * @throws UserError when the step or the layer asked for is not among them
 */
export async function lightCheckpoints(
  place: SaePlace,
  step: number | undefined,
): Promise<SaePlace[] | null> {
  const names = await readdir(place.path).catch(() => []);
  const steps = names
    .flatMap((name) => STEP.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  if (steps.length === 0) return null;
  const { asked } = place.hook;
  const found: SaePlace[] = [];
  for (const each of steps.filter((one) => step === undefined || one === step)) {
    const folder = join(place.path, stepFolder(each));
    const ids = (await readdir(folder)).map(releaseId).filter((id) => id !== null);
    for (const id of ids.sort()) {
      const hook = placeOfLabelled(id)!;
      if (asked !== undefined && placeName(placeOf(asked)) !== placeName(hook)) continue;
      const isUsual = placeName(hook) === placeName(hookOf(hook.layer));
      const said = isUsual ? `layer=${hook.layer}` : `hook=${placeName(hook)}`;
      const tensors = `${stepFolder(each)}/${releaseFiles(id).tensors}`;
      found.push({
        ...place,
        name: `${place.name.replace(/#.*$/, '')}#step=${each},${said}`,
        path: join(place.path, tensors),
        options: {},
        hook: { asked, fromPath: hook },
        pathInRepo: place.repo === null ? null : `${place.pathInRepo ?? '.'}/${tensors}`,
        light: { of: runOf(place), id, step: each },
      });
    }
  }
  if (found.length > 0) return found;
  throw new UserError({
    thing: `light checkpoints ${place.path}`,
    found: `steps ${steps.join(', ')}${asked === undefined ? '' : `, none of ${placeName(placeOf(asked))}`}`,
    expected: step === undefined ? 'an SAE in one of them' : `step ${step}`,
    next: 'Choose one of these, or leave #step out for all.',
  });
}

/** A number is the residual stream after that block. */
function placeOf(asked: number | Place): Place {
  return typeof asked === 'number' ? hookOf(asked) : asked;
}

/** `runs/mine/snapshots` is of `mine`, and a repository's are the repository's. */
function runOf({ path, repo }: SaePlace): string {
  if (repo !== null) return basename(repo);
  const folder = resolve(path);
  return basename(folder) === SNAPSHOTS ? basename(dirname(folder)) : basename(folder);
}
