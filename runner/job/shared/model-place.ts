import { openCheckpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { checkHooks } from '../../lm/placement.ts';

/** Where a run's language model lies, and the commit of its repository when it came from one. */
export interface ModelPlace {
  folder: string;
  revision: string | null;
}

/** @throws UserError for layers that the model has not */
export async function checkLayers({ folder }: ModelPlace, layers: readonly number[]): Promise<void> {
  checkHooks(layers, familyOf(await openCheckpoint(folder)).blocks);
}

/** Width of the residual stream, from the checkpoint's config alone. */
export async function residualWidth({ folder }: ModelPlace): Promise<number> {
  return familyOf(await openCheckpoint(folder)).dModel;
}
