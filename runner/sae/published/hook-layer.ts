/** Names of hooks, as programs write them -> the block whose residual stream they mean. */

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
