import { availableParallelism } from 'node:os';
import type { Session } from '../../../onnx/session.ts';
import { lossWeight } from '../../common-settings.ts';
import type { Recipe } from '../../recipe.ts';
import type { TrainingBackend } from '../backend.ts';
import { sharedSessions } from '../shared-sessions.ts';
import type { Runtime, Screened } from './dense.ts';
import { type Build, compileKernels, instantiate } from './kernels.ts';
import { layoutOf, memoryFor, type Sizes, screenLimits, sizesOf } from './layout.ts';
import { writeState } from './sae-memory.ts';
import { exactLimit, screenPays } from './screen-choice.ts';
import { SparseCpuSession } from './step.ts';
import { openWorkerPool, type WorkerPool } from './worker-pool.ts';

export interface SparseCpuOptions {
  /** Threads of this backend's own work and of onnxruntime's operators. Default: one per core. */
  threads?: number;
  /** The kernels to use, for tests. Default: the fastest that this Node can run. */
  build?: Build;
  /** For tests. Default: where it pays. */
  screened?: Screened;
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
  const measured = new Map<string, Promise<boolean>>();
  let pool: Promise<WorkerPool> | undefined;
  let users = 0;

  async function leave(): Promise<void> {
    users -= 1;
    if (users > 0) return;
    const last = pool;
    pool = undefined;
    await (await last)?.end();
  }

  function screensHere(sizes: Sizes): Promise<boolean> {
    if (screened !== 'where-it-pays') return Promise.resolve(screened === 'always');
    const key = `${[sizes.latents, sizes.width, sizes.k]}`;
    const pays = measured.get(key) ?? screenPays(sizes, threads);
    measured.set(key, pays);
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
      const screens = limit !== null && (await screensHere(sizes));
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
