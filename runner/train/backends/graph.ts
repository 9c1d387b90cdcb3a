import { sum } from '../../math/sum.ts';
import { providerOf } from '../../onnx/devices.ts';
import {
  float32,
  floatsOf,
  type HeldTensor,
  type HoldingSession,
  type HostTensor,
  type SessionOptions,
} from '../../onnx/session.ts';
import { architectureOf } from '../architectures/index.ts';
import { lossWeight, stepSettings } from '../common-settings.ts';
import { type Batch, rowFeeds, rowsProgram, tokensOf } from '../device-rows.ts';
import type { Recipe } from '../recipe.ts';
import { stepProgram } from '../step-program.ts';
import type { StepResult, TrainingBackend } from './backend.ts';
import { sharedSessions } from './shared-sessions.ts';
import { holdState, openOnDevice, openStep } from './state-holder.ts';

export type GraphBackendOptions = Pick<SessionOptions, 'device' | 'threads' | 'binding' | 'aside'>;

/**
 * The step as an ONNX program. The state stays where the step is computed, apart from cuda, dml and coreml by onnxruntime-node's own
 * binding, which keeps tensors on webgpu alone. SAEs of one shape and recipe share a session.
 */
export function graphBackend(options: GraphBackendOptions = {}): TrainingBackend {
  const sessions = sharedSessions<HoldingSession>();

  return {
    name: 'graph',
    unsupported: ({ deadCounting, adamMoments }) =>
      adamMoments === 'bfloat16'
        ? 'Adam’s moments in bfloat16 (adamMoments bfloat16)'
        : options.device === 'webgpu' && deadCounting === 'with-step'
          ? 'dead latents counted with the step (deadCounting with-step) on webgpu'
          : null,
    async init(recipe, d_in, initial) {
      const architecture = architectureOf(recipe);
      const shapes = architecture.parameters(recipe, d_in);
      const tokens = recipe.batchTokens;
      const key = programKey(recipe, d_in);
      const session = await sessions.take(key, () =>
        openStep(stepProgram(recipe, d_in, providerOf(options.device)), shapes, options),
      );
      const holder = holdState(session, shapes, initial, () => sessions.give(key));
      let open = true;
      /** What picks rows of activations that lie on the device, by the key it is shared under. */
      const pickers = new Map<string, Promise<HoldingSession>>();
      const picker = ({ tensor, scale }: Exclude<Batch, Float32Array>): Promise<HoldingSession> => {
        const rank = tensor.description().dims.length;
        const name = `rows ${d_in} ${rank} ${scale === 1}`;
        const known =
          pickers.get(name) ??
          sessions.take(name, () =>
            openOnDevice(
              rowsProgram(d_in, rank, scale !== 1, providerOf(options.device)),
              ['picked'],
              options,
            ),
          );
        pickers.set(name, known);
        return known;
      };
      return {
        async step(x, { learningRate, dead, sparsityScale = 1 }, y) {
          const given = recipe.transcode === undefined ? { x } : { x, y: y ?? new Float32Array() };
          const updates = holder.updates + 1;
          const picked: HeldTensor[] = [];
          try {
            const batches: Record<string, HostTensor | HeldTensor> = {};
            for (const [name, batch] of Object.entries(given)) {
              const length = tokensOf(batch, d_in) * d_in;
              if (length !== tokens * d_in)
                throw new RangeError(`${name}: ${length} values, expected ${tokens} tokens × ${d_in}`);
              if (batch instanceof Float32Array) batches[name] = float32(batch, [tokens, d_in]);
              else {
                const rows = (await (await picker(batch)).run(rowFeeds(batch))).held.picked!;
                picked.push(rows);
                batches[name] = rows;
              }
            }
            const outputs = await holder.step({
              ...batches,
              ...architecture.feeds(recipe, { d_in, dead, updates: holder.updates, sparsityScale }),
              step_size: scalar(learningRate / (1 - recipe.adamBeta1 ** updates)),
              root_correction: scalar(Math.sqrt(1 - recipe.adamBeta2 ** updates)),
            });
            return resultOf(outputs, recipe, d_in);
          } finally {
            for (const tensor of picked) tensor.dispose();
          }
        },
        state: () => holder.read(),
        async close() {
          if (open) {
            await holder.close();
            for (const each of pickers.keys()) await sessions.give(each);
          }
          open = false;
        },
      };
    },
  };
}

/** Equal keys mean equal programs. */
function programKey(recipe: Recipe, d_in: number): string {
  const settings = { ...stepSettings, ...architectureOf(recipe).settings };
  const names = ['architecture', ...Object.keys(settings)] as (keyof Recipe)[];
  return JSON.stringify([d_in, ...names.map((name) => recipe[name])]);
}

function scalar(value: number): HostTensor {
  return float32(Float32Array.of(value), []);
}

function resultOf(outputs: Record<string, HostTensor>, recipe: Recipe, d_in: number): StepResult {
  const one = (name: string): number => floatsOf(outputs, name)[0]!;
  const errorSquares = sum(floatsOf(outputs, 'error_squares'));
  const centredSquares = sum(floatsOf(outputs, 'centred_squares'));
  const nested = 'nested_squares' in outputs ? sum(floatsOf(outputs, 'nested_squares')) : errorSquares;
  const least = 'least_active' in outputs ? one('least_active') : Number.POSITIVE_INFINITY;
  const { fired } = outputs;
  if (fired?.type !== 'bool') throw new TypeError('output fired: expected bool');
  return {
    mse: errorSquares / (recipe.batchTokens * d_in),
    reconstructionLoss: nested * lossWeight(recipe, d_in),
    auxLoss: one('aux_loss'),
    sparsityLoss: 'sparsity_loss' in outputs ? one('sparsity_loss') : 0,
    errorSquares,
    centredSquares,
    squares: centredSquares + recipe.batchTokens * one('mean_square'),
    gradientNorm: one('gradient_norm'),
    activeLatents: one('active_latents'),
    leastActive: Number.isFinite(least) ? least : null,
    fired: fired.data,
    ...('norm_now' in outputs ? { norms: { now: one('norm_now'), next: one('norm_next') } } : {}),
  };
}
