import { availableParallelism } from 'node:os';
import type { Session } from '../../../onnx/session.ts';
import { lossWeight } from '../../common-settings.ts';
import type { Recipe } from '../../recipe.ts';
import type { TrainingBackend } from '../backend.ts';
import { sharedSessions } from '../shared-sessions.ts';
import type { Runtime, Screened } from './dense.ts';
import { type Build, compileKernels, instantiate } from './kernels.ts';
import { layoutOf, memoryFor, type ScreenLimit, type Sizes, screenLimits, sizesOf } from './layout.ts';
import { writeState } from './sae-memory.ts';
import { exactLimit, screenChoice } from './screen-choice.ts';
import { SparseCpuSession } from './step.ts';
import { openWorkerPool, type WorkerPool } from './worker-pool.ts';

export interface SparseCpuOptions {
  /** Threads of this backend's own work and of onnxruntime's operators. Default: one per core. */
  threads?: number;
  /** The kernels to use, for tests. Default: the fastest that this Node can run. */
  build?: Build;
  /** For tests. Default: where it pays. */
  screened?: Screened;
  /** Told once for each size of SAEs how their top k is found here. */
  say?: (line: string) => void;
  /** Told of each part of a step as it ends, for benchmarks. */
  mark?: Runtime['mark'];
}

export interface SparseCpuBackend extends TrainingBackend {
  /** Which kernels run. */
  readonly build: Build;
}

/** What of a recipe sparse-cpu does not compute, null when it computes all of it. */
export function unsupportedBySparseCpu({
  architecture,
  applyBDecToInput,
  transcode,
}: Pick<Recipe, 'architecture' | 'applyBDecToInput' | 'transcode'>): string | null {
  if (transcode !== undefined) return 'transcoders';
  if (architecture !== 'topk') return `architecture ${architecture}`;
  return applyBDecToInput ? null : 'activations from which b_dec is not subtracted (applyBDecToInput false)';
}

/**
 * The step on a CPU: onnxruntime makes the encoder's product, in int8 where that is enough to find the top k
 * (screen.ts); what follows goes by the k latents of each token (tokens · k · d instead of tokens · n · d) in
 * WebAssembly, over threads with one memory. The same state and
 * inputs give the same bits whatever the number of threads.
 */
export function sparseCpuBackend(options: SparseCpuOptions = {}): SparseCpuBackend {
  const threads = options.threads ?? availableParallelism();
  const compiled = compileKernels(options.build === undefined ? undefined : [options.build]);
  const { screened = 'where-it-pays' } = options;
  const sessions = sharedSessions<Session>();
  /** Whether the screen pays, by sizes. */
  const measured = new Map<string, ReturnType<typeof screenChoice>>();
  let pool: Promise<WorkerPool> | undefined;
  let users = 0;

  async function leave(): Promise<void> {
    users -= 1;
    if (users > 0) return;
    const last = pool;
    pool = undefined;
    await (await last)?.end();
  }

  async function screensHere(sizes: Sizes, limit: ScreenLimit | null): Promise<boolean> {
    if (limit === null || screened !== 'where-it-pays') return limit !== null && screened === 'always';
    const key = `${[sizes.latents, sizes.width, sizes.k]}`;
    const known = measured.get(key);
    const choice = known ?? screenChoice(sizes, limit, threads);
    measured.set(key, choice);
    const { pays, why } = await choice;
    if (known === undefined) options.say?.(why);
    return pays;
  }

  return {
    name: 'sparse-cpu',
    build: compiled.build,
    unsupported: unsupportedBySparseCpu,
    async init(recipe, d_in, state) {
      const sizes = sizesOf(recipe, d_in);
      const limit = await exactLimit();
      const layout = layoutOf(sizes, limit ?? screenLimits[0]);
      const screens = await screensHere(sizes, limit);
      const memory = memoryFor(layout);
      writeState(memory, layout, state);
      users += 1;
      pool ??= openWorkerPool(threads, compiled);
      const { adamBeta1, adamBeta2, unitNormDecoder, removeParallelGradient } = recipe;
      const settings = {
        adamBeta1,
        adamBeta2,
        unitNormDecoder,
        removeParallelGradient,
        lossWeight: lossWeight(recipe, d_in),
      };
      const place = { kernels: instantiate(compiled.module, memory), memory, layout, settings };
      const session = new SparseCpuSession(recipe, place, state.updates, await pool, {
        sessions,
        threads,
        screened: screens ? screened : 'never',
        mark: options.mark ?? (() => undefined),
      });
      let open = true;
      const close = async (): Promise<void> => {
        if (!open) return;
        open = false;
        await session.close();
        await leave();
      };
      try {
        await session.start();
      } catch (error) {
        await close();
        throw error;
      }
      return {
        step: (x, controls) => session.step(x, controls),
        state: () => session.state(),
        close,
      };
    },
  };
}
