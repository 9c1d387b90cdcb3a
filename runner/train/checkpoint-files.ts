/** What one generation of a checkpoint holds: a safetensors file per SAE, and `state.json` for everything else. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MalformedError } from '../errors.ts';
import {
  encodeSafetensors,
  readFloats,
  readSafetensors,
  type TensorToWrite,
} from '../formats/safetensors.ts';
import { sites } from '../hook.ts';
import { withFile } from '../io/byte-source.ts';
import { trajectoryPoint } from '../report/schema.ts';
import { normalisation } from '../sae/sae.ts';
import { notAnnealed } from './anneal.ts';
import { architectureOf } from './architectures/index.ts';
import { recipe } from './recipe.ts';
import type { SaePlan, SaeTrainingState } from './sae-trainer.ts';
import { mapParameters, type ParameterShapes, type Parameters, valuesOf } from './state.ts';
import type { TrainerState } from './trainer.ts';

const STATE = 'state.json';
const SCHEMA = 'interpboard.checkpoint/3';

/** Longest state.json: the largest run's, with its trajectories, has a few megabytes. */
const STATE_LIMIT = 64 * 2 ** 20;
/** Longest header of a tensor file. */
const HEADER_LIMIT = 2 ** 20;

export interface Checkpoint {
  state: TrainerState;
  /** Where the data stood: JSON that only its writer understands. */
  position: unknown;
}

/** The files of a checkpoint, each as parts to be written one after the other; made one at a time. */
export function* checkpointFiles(checkpoint: Checkpoint): Generator<{ name: string; parts: Uint8Array[] }> {
  for (const [id, sae] of checkpoint.state.saes) {
    const plan = checkpoint.state.plans.find((each) => each.id === id);
    if (plan === undefined) throw new RangeError(`no plan of ${id}`);
    const tensors = tensorsOf(sae, shapesOf(plan));
    yield { name: tensorFile(id), parts: encodeSafetensors(tensors) };
  }
  yield { name: STATE, parts: [Buffer.from(`${JSON.stringify(stateOf(checkpoint), null, 1)}\n`)] };
}

/** The files that a checkpoint of these SAEs must have, each with the bytes that it may have at most. */
export function checkpointLimits(
  plans: readonly Pick<SaePlan, 'id' | 'recipe' | 'd_in'>[],
): Map<string, number> {
  const limits = new Map([[STATE, STATE_LIMIT]]);
  for (const plan of plans) {
    const { id, recipe } = plan;
    const values = Object.values(shapesOf(plan)).reduce((sum, shape) => sum + valuesOf(shape), 0);
    limits.set(tensorFile(id), 4 * (momentPrefixes.length * values + recipe.dSae) + HEADER_LIMIT);
  }
  return limits;
}

/**
 * Reads the files back.
 *
 * @param covered names of the files whose contents were verified; others are not read
 * @throws MalformedError when a file is missing or of another shape
 */
export async function readCheckpointFiles(folder: string, covered: ReadonlySet<string>): Promise<Checkpoint> {
  const need = (name: string): string => {
    if (!covered.has(name)) throw damage(folder, `a manifest without ${name}`, 'one that covers it');
    return join(folder, name);
  };
  const state = await readJson(need(STATE), stateSchema);
  const saes = new Map<string, SaeTrainingState>();
  const plans: SaePlan[] = [];
  for (const each of state.saes) {
    const { id, steps, tokens, shuffling, varExp, threshold, normalisation, trajectory, latest } = each;
    const { layer, site = 'resid_post', reads, recipe, annealing = notAnnealed } = each;
    const d_in = each.d_in ?? state.d_in;
    if (d_in === undefined) throw damage(STATE, `no width of ${id}`, 'd_in of each SAE');
    const plan = { id, hook: { layer, site, ...(reads && { reads }) }, d_in, recipe };
    plans.push(plan);
    const tensors = await readTensors(need(tensorFile(id)), plan, each.updates);
    const smoothed = { varExp, threshold, annealing, normalisation };
    saes.set(id, { steps, tokens, ...tensors, shuffling, ...smoothed, trajectory, latest });
  }
  return { state: { plans, saes }, position: state.position };
}

/** Ids become file names; they are checked when the trainer's plans are read back, and here when written. */
const idSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'expected letters, digits, . _ -');

function tensorFile(id: string): string {
  return `${idSchema.parse(id)}.safetensors`;
}

const momentPrefixes = ['', 'first_', 'second_'] as const;

function shapesOf({ recipe, d_in }: Pick<SaePlan, 'recipe' | 'd_in'>): ParameterShapes {
  return architectureOf(recipe).parameters(recipe, d_in);
}

function tensorsOf(
  { optimiser, silent }: SaeTrainingState,
  shapes: ParameterShapes,
): Record<string, TensorToWrite> {
  const groups = [optimiser.parameters, optimiser.firstMoments, optimiser.secondMoments];
  const tensors: Record<string, TensorToWrite> = {};
  groups.forEach((group, i) => {
    for (const [name, shape] of Object.entries(shapes)) {
      tensors[`${momentPrefixes[i]}${name}`] = { dtype: 'F32', shape, data: group[name]! };
    }
  });
  tensors.silent = { dtype: 'I32', shape: [silent.length], data: silent };
  return tensors;
}

const count = z.int().nonnegative();
const word = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const average = z.strictObject({ sum: z.number(), weight: z.number() });
// Contents are the trainer's own and stand under the manifest's hash: the schema guards against another version.
const stateSchema = z.strictObject({
  schema: z.enum(['interpboard.checkpoint/2', SCHEMA]),
  /** Of version 2, where all SAEs are of one width. */
  d_in: z.int().positive().optional(),
  position: z.unknown(),
  saes: z.array(
    z.strictObject({
      id: idSchema,
      layer: count,
      /** Of version 3, as is d_in; without it the residual stream after the block. */
      site: z.enum(sites).optional(),
      /** Of a transcoder. */
      reads: z.strictObject({ layer: count, site: z.enum(sites) }).optional(),
      d_in: z.int().positive().optional(),
      recipe,
      steps: count,
      tokens: count,
      updates: count,
      shuffling: z.tuple([word, word, word, word]),
      varExp: average,
      threshold: average,
      /** Where p of the sparsity loss is annealed. */
      annealing: z
        .strictObject({ scale: z.number(), losses: z.array(z.tuple([z.number(), z.number()])) })
        .optional(),
      normalisation,
      trajectory: z.array(trajectoryPoint),
      latest: trajectoryPoint.nullable(),
    }),
  ),
});

type StateFile = z.infer<typeof stateSchema>;

function stateOf({ state, position }: Checkpoint): StateFile {
  return {
    schema: SCHEMA,
    position,
    saes: state.plans.map(({ id, hook, d_in, recipe }) => {
      const sae = state.saes.get(id);
      if (sae === undefined) throw new RangeError(`no state of ${id}`);
      const { steps, tokens, optimiser, varExp, threshold, normalisation, trajectory, latest } = sae;
      const { scale, losses } = sae.annealing;
      const annealing =
        losses.length === 0
          ? {}
          : { annealing: { scale, losses: losses.map(([now, next]): [number, number] => [now, next]) } };
      const [a, b, c, d] = sae.shuffling;
      const shuffling: StateFile['saes'][number]['shuffling'] = [a, b, c, d];
      const { updates } = optimiser;
      const smoothed = { varExp, threshold, normalisation };
      return {
        id,
        ...hook,
        d_in,
        recipe,
        steps,
        tokens,
        updates,
        shuffling,
        ...smoothed,
        ...annealing,
        trajectory,
        latest,
      };
    }),
  };
}

async function readTensors(
  path: string,
  plan: Pick<SaePlan, 'recipe' | 'd_in'>,
  updates: number,
): Promise<Pick<SaeTrainingState, 'optimiser' | 'silent'>> {
  const { recipe } = plan;
  const shapes = shapesOf(plan);
  return withFile(path, async (source) => {
    const file = await readSafetensors(source);
    const group = async (prefix: string): Promise<Parameters> => {
      const found = new Map<string, Float32Array>();
      for (const [name, shape] of Object.entries(shapes)) {
        found.set(name, await readFloats(source, file, `${prefix}${name}`, [...shape]));
      }
      return mapParameters(shapes, (_, name) => found.get(name)!);
    };
    const [parameters, firstMoments, secondMoments] = [
      await group(momentPrefixes[0]),
      await group(momentPrefixes[1]),
      await group(momentPrefixes[2]),
    ];
    const entry = file.tensors.get('silent');
    if (entry?.dtype !== 'I32' || entry.shape.length !== 1 || entry.shape[0] !== recipe.dSae) {
      throw damage(path, 'no dead clock of the right size', `tensor silent I32 [${recipe.dSae}]`);
    }
    const bytes = Uint8Array.from(await source.slice(entry.start, entry.end));
    return {
      optimiser: { parameters, firstMoments, secondMoments, updates },
      silent: new Int32Array(bytes.buffer),
    };
  });
}

/** @throws MalformedError when the file is missing, no JSON, or of another shape */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw damage(path, error instanceof Error ? error.message : String(error), 'a readable JSON file');
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damage(
    path,
    `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'another shape'}`,
    'a checkpoint as this version writes it',
  );
}

export function damage(thing: string, found: string, expected: string): MalformedError {
  return new MalformedError({ thing, found, expected, next: 'An older generation may be intact.' });
}
