/**
 * Trains any number of SAEs from one stream of activations: every forward pass of the language model feeds each of
 * them. Knows neither language models nor files.
 */

import { UserError } from '../errors.ts';
import { type Hook, hookLabel, hookWords, placeName, readHook } from '../hook.ts';
import { sideBySide } from '../onnx/side-by-side.ts';
import type { TrajectoryPoint } from '../report/schema.ts';
import type { Sae } from '../sae/sae.ts';
import type { TrainingBackend } from './backends/backend.ts';
import type { Activations } from './device-rows.ts';
import {
  newTrainingState,
  openSaeTrainer,
  type SaePlan,
  type SaeTrainer,
  type SaeTrainingState,
  type StartingWeights,
} from './sae-trainer.ts';
import { closed } from './trajectory.ts';

export interface TrainerOptions {
  /** Where steps are computed: of all SAEs, or of each. Those of different backends take theirs beside one another. */
  backend: TrainingBackend | ((plan: SaePlan) => TrainingBackend);
  /** Several may share a hook; ids are unique. */
  plans: readonly SaePlan[];
  /** Steps between logged points (the log-spaced ones aside). Default 100. */
  logEverySteps?: number;
  /** Milliseconds, for tokens per second. Default performance.now. */
  now?: () => number;
  /** Hears each logged point of an SAE when it is made. */
  onPoint?: (id: string, point: TrajectoryPoint) => void;
}

/** State of all SAEs by id, with the recipes it belongs to. */
export interface TrainerState {
  plans: readonly SaePlan[];
  saes: ReadonlyMap<string, SaeTrainingState>;
}

export interface TrainedSae {
  plan: SaePlan;
  sae: Sae;
  steps: number;
  tokens: number;
  /** Logged points, closed with the last step's. var_exp is chunk-v1 of a batch, smoothed with decay 0.98. */
  trajectory: TrajectoryPoint[];
}

export interface Progress extends TrajectoryPoint {
  id: string;
}

export interface Trainer {
  /** Tokens that every SAE has been trained on. */
  readonly tokens: number;
  /** Steps of the first SAE; of all of them where they share batchTokens. */
  readonly steps: number;
  /**
   * One forward pass: trains every SAE on its hook's activations, in the order of the plans.
   *
   * @param activations for each hook, by its label, [tokens, d_in]; they are only read
   * @returns where each SAE stands, in the order of the plans
   * @throws UserError naming SAE and step, when a loss is no number or has blown up. The trainer is of no use then:
   *   it will not train on or give its state, so that the last checkpoint stays the last good one.
   */
  step(activations: ReadonlyMap<string, Activations>): Promise<Progress[]>;
  /** The SAEs as they are now (copies). */
  saes(): Promise<TrainedSae[]>;
  /** What a checkpoint holds. Arrays are the trainer's own: write them before the next step. */
  state(): Promise<TrainerState>;
  close(): Promise<void>;
}

/**
 * @param start activations for each hook, by its label, [count, d_in] that b_dec is initialised from (a new run), or the state of
 *   an earlier trainer of the same plans; `from` are weights of SAEs that some start from, by the plan's id
 * @throws UserError when the state was trained by other plans or recipes
 */
export async function openTrainer(
  options: TrainerOptions,
  start:
    | { samples: ReadonlyMap<string, Float32Array>; from?: ReadonlyMap<string, StartingWeights> }
    | { resume: TrainerState },
): Promise<Trainer> {
  const { backend, plans } = options;
  const settings = {
    logEverySteps: options.logEverySteps ?? 100,
    now: options.now ?? (() => performance.now()),
    onPoint: options.onPoint ?? (() => {}),
  };
  if (plans.length === 0 || new Set(plans.map(({ id }) => id)).size !== plans.length) {
    throw new RangeError('expected at least one SAE, each with its own id');
  }
  if ('resume' in start) checkPlans(plans, start.resume.plans);
  const backendOf = typeof backend === 'function' ? backend : () => backend;
  const trainers: SaeTrainer[] = [];
  /** Of each trainer. */
  const backends: TrainingBackend[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(trainers.map((trainer) => trainer.close()));
  };
  try {
    for (const plan of plans) {
      const state =
        'resume' in start
          ? start.resume.saes.get(plan.id)
          : newTrainingState(
              plan,
              required(start.samples, plan, plan.hook),
              required(start.samples, plan, readHook(plan.hook)),
              start.from?.get(plan.id),
            );
      if (state === undefined) throw new RangeError(`no state of ${plan.id}`);
      const own = backendOf(plan);
      backends.push(own);
      trainers.push(await openSaeTrainer(own, plan, state, settings));
    }
  } catch (error) {
    await close();
    throw error;
  }
  let tokens = trainers[0]!.latest?.tokens ?? 0;
  let failure: unknown;

  return {
    get tokens() {
      return tokens;
    },
    get steps() {
      return trainers[0]!.latest?.step ?? 0;
    },
    async step(activations) {
      if (failure !== undefined) throw failure;
      // All are there before the first SAE moves.
      const given = trainers.map(({ plan }) => ({
        x: required(activations, plan, readHook(plan.hook)),
        y: plan.hook.reads && required(activations, plan, plan.hook),
      }));
      try {
        await sideBySide(
          given,
          (_, i) => backends[i],
          ({ x, y }, i) => trainers[i]!.pass(x, y),
        );
      } catch (error) {
        failure = error;
        throw error;
      }
      tokens = trainers[0]!.latest!.tokens;
      return trainers.map(({ plan: { id }, latest }) => ({ id, ...latest! }));
    },
    async saes() {
      return Promise.all(
        trainers.map(async (trainer) => ({
          plan: trainer.plan,
          sae: await trainer.sae(),
          steps: trainer.latest?.step ?? 0,
          tokens: trainer.latest?.tokens ?? 0,
          trajectory: closed(trainer.trajectory, trainer.latest),
        })),
      );
    },
    async state() {
      if (failure !== undefined) throw failure;
      const saes = new Map<string, SaeTrainingState>();
      for (const trainer of trainers) saes.set(trainer.plan.id, await trainer.state());
      return { plans, saes };
    },
    close,
  };
}

function required<T extends Activations>(
  activations: ReadonlyMap<string, T>,
  { id }: SaePlan,
  hook: Hook,
): T {
  const found = activations.get(hookLabel(hook));
  if (found === undefined) throw new RangeError(`no activations of ${hookWords(hook)} for ${id}`);
  return found;
}

function checkPlans(plans: readonly SaePlan[], saved: readonly SaePlan[]): void {
  const text = ({ id, hook, d_in, recipe }: SaePlan): string =>
    JSON.stringify([id, placeName(hook), d_in, Object.entries(recipe).sort(([a], [b]) => (a < b ? -1 : 1))]);
  const before = new Map(saved.map((plan) => [plan.id, plan]));
  const other = plans.find((plan) => {
    const match = before.get(plan.id);
    return match === undefined || text(match) !== text(plan);
  });
  if (other === undefined && plans.length === saved.length) return;
  throw new UserError({
    thing: `checkpoint of SAE ${other?.id ?? saved.map(({ id }) => id).join(', ')}`,
    found: other !== undefined && before.has(other.id) ? 'another recipe or hook' : 'other SAEs',
    expected: `${plans.map(({ id }) => id).join(', ')} with the recipe of this run`,
    next: 'Resume with the settings the run was started with, or start over.',
  });
}
