/** Whether what trains a run's SAEs computes their recipes: asked before anything is computed. */
import type { RunConfig } from '../../config/run-config.ts';
import type { SaeSettings } from '../../config/sections.ts';
import { parseDevices } from '../../onnx/devices.ts';
import { checkRecipe } from '../../train/backends/choose.ts';
import { trainedSaes, withWidths } from '../shared/planned-saes.ts';

/**
 * @param widths numbers of a token at the hooks that are trained, by their labels
 * @throws UserError for a recipe that the backend does not compute
 */
export function checkRecipes(
  config: SaeSettings & Pick<RunConfig, 'device' | 'backend'>,
  widths: ReadonlyMap<string, number>,
): void {
  const [device] = parseDevices(config.device);
  for (const { recipe, d_in } of withWidths(trainedSaes(config), widths))
    checkRecipe({ choice: config.backend, device }, recipe, d_in);
}
