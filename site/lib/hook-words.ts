/** Hooks in words. */
import { hookSite } from '../../runner/report/ranking.ts';

/** By what `hookSite` calls them. */
const names: Readonly<Record<string, string>> = {
  resid_pre: 'the residual stream before a block',
  resid_mid: 'the residual stream between attention and MLP',
  resid_post: 'the residual stream',
  'mlp.hook_in': 'the MLP’s input',
  mlp_out: 'the MLP output',
  attn_out: 'the attention output',
  'attn.hook_z': 'the attention heads’ outputs (z)',
};

/** What is read at a hook; of one that is not known here its own word. */
export function hookWords(hook: string): string {
  const site = hookSite(hook);
  return names[site] ?? site;
}

/** Whether it is the residual stream after a block, as most are: then a page need not say so. */
export function isUsualHook(hook: string): boolean {
  return hookSite(hook) === 'resid_post';
}
