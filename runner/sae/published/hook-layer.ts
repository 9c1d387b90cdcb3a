/** Names of hooks, as programs write them, and the block whose residual stream they mean. */
import { quote, UserError } from '../../errors.ts';
import type { SaeDetails } from '../checkpoints/loaded.ts';

/** The residual stream after block N, however it is called; the one before it is that after block N − 1. */
const after = [
  /^blocks\.(\d+)\.hook_resid_post$/,
  /^(?:model\.|transformer\.|gpt_neox\.|language_model\.)*(?:layers|h|blocks)\.(\d+)(?:\.output)?$/,
] as const;
const before = /^blocks\.(\d+)\.hook_resid_pre$/;

/** Null where the name is of another hook, or of none before the first block. */
export function residualLayer(hook: string): number | null {
  for (const pattern of after) {
    const found = pattern.exec(hook);
    if (found) return Number(found[1]);
  }
  const preceding = before.exec(hook);
  return preceding && Number(preceding[1]) > 0 ? Number(preceding[1]) - 1 : null;
}

/** Name of the residual stream after a block, as TransformerLens and SAELens write it. */
export function residualHook(layer: number): string {
  return `blocks.${layer}.hook_resid_post`;
}

/**
 * The block after which an SAE's residual stream is taken: as the user says, else as its files say, else as its path
 * does.
 *
 * @throws UserError for an SAE of another hook, or where nothing says which it is
 */
export function saeLayer(
  name: string,
  { hook_name }: Pick<SaeDetails, 'hook_name'>,
  { asked, fromPath }: { asked: number | undefined; fromPath: number | null },
): number {
  const said = hook_name === null ? fromPath : residualLayer(hook_name);
  const layer = asked ?? said;
  if (layer !== null) return layer;
  throw new UserError({
    thing: `SAE ${quote(name)}`,
    found: hook_name === null ? 'nothing that says its hook' : `the hook ${quote(hook_name)}`,
    expected: 'the residual stream after a block',
    next: 'If it is of one, say which block: append #layer=N to its name.',
  });
}
