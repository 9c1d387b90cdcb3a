import { UserError } from '../../errors.ts';
import type { Device } from '../../onnx/devices.ts';
import type { Recipe } from '../recipe.ts';
import type { BackendChoice, TrainingBackend } from './backend.ts';
import { graphBackend } from './graph.ts';
import { addressable } from './sparse-cpu/layout.ts';
import { sparseCpuBackend, unsupportedBySparseCpu } from './sparse-cpu/sparse-cpu.ts';

export interface BackendOptions {
  choice: BackendChoice;
  device: Device;
  threads?: number;
  /** Hears what a backend measures before it begins, one line each. */
  say?: (line: string) => void;
}

/** The backend that an SAE is trained on: it follows from these alone. */
export function backendFor(
  { choice, device }: Pick<BackendOptions, 'choice' | 'device'>,
  recipe: Recipe,
  d_in: number,
): Exclude<BackendChoice, 'auto'> {
  if (choice !== 'auto') return choice;
  const sparse = device === 'cpu' && unsupportedBySparseCpu(recipe) === null && addressable(recipe, d_in);
  return sparse ? 'sparse-cpu' : 'graph';
}

/** Why `auto` gives recipes to the slower graph on a CPU, in a line for the user; null where it gives none. */
export function fallenBack(
  { choice, device }: Pick<BackendOptions, 'choice' | 'device'>,
  recipes: readonly Recipe[],
): string | null {
  if (choice !== 'auto' || device !== 'cpu') return null;
  const reasons = new Set(recipes.map(unsupportedBySparseCpu).filter((reason) => reason !== null));
  if (reasons.size === 0) return null;
  return `backend graph for ${[...reasons].join(', ')}: sparse-cpu does not compute it`;
}

/**
 * To be asked before anything is computed.
 *
 * @throws UserError for a recipe that the backend chosen for it does not compute
 */
export function checkRecipe(
  options: Pick<BackendOptions, 'choice' | 'device'>,
  recipe: Recipe,
  d_in: number,
): void {
  const name = backendFor(options, recipe, d_in);
  const lacking =
    name === 'graph' ? graphBackend(options).unsupported(recipe) : unsupportedBySparseCpu(recipe);
  if (lacking === null) return;
  throw new UserError({
    thing: `backend ${name}`,
    found: lacking,
    expected: 'a recipe it computes',
    next:
      name === 'sparse-cpu'
        ? 'Use --backend auto or graph.'
        : recipe.adamMoments === 'bfloat16'
          ? 'Leave sae.adamMoments out, or train architecture topk with --device cpu.'
          : 'Use --device cpu.',
  });
}

export interface ChosenBackend extends TrainingBackend {
  /** What the user should hear of, one line each. */
  readonly notes: readonly string[];
}

/** A backend that gives each SAE the one chosen for it. */
export function chooseBackend(options: BackendOptions): ChosenBackend {
  const { choice, device, threads, say } = options;
  const given = threads === undefined ? {} : { threads };
  const graph = graphBackend({ device, ...given });
  const sparse =
    choice === 'graph' || (choice === 'auto' && device !== 'cpu')
      ? null
      : sparseCpuBackend({ ...given, ...(say === undefined ? {} : { say }) });
  const notes =
    sparse?.build === 'plain'
      ? [
          `Node ${process.versions.node} has no relaxed SIMD: training runs on plain SIMD, somewhat slower; Node 22 and later have it`,
        ]
      : [];
  return {
    name: choice,
    notes,
    unsupported: (recipe) => (choice === 'sparse-cpu' ? unsupportedBySparseCpu : graph.unsupported)(recipe),
    async init(recipe, d_in, state) {
      checkRecipe(options, recipe, d_in);
      const graphs = backendFor(options, recipe, d_in) === 'graph' || sparse === null;
      return (graphs ? graph : sparse).init(recipe, d_in, state);
    },
  };
}
