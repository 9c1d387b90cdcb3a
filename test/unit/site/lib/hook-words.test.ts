import { expect, it } from 'vitest';
import { hookOf, sites } from '../../../../runner/hook.ts';
import { hookPath } from '../../../../runner/sae/published/hook-names.ts';
import { hookWords, isUsualHook } from '../../../../site/lib/hook-words.ts';
import { verdictText } from '../../../../site/lib/sae-text.ts';
import { fixture } from '../fixtures.ts';

it('every hook that records name has words of its own', () => {
  const words = sites.map((site) => hookWords({ hook: hookPath(hookOf({ layer: 0, site })) }));
  expect(new Set(words).size).toBe(sites.length);
  for (const each of words) expect(each).toMatch(/^the /);
  expect(hookWords({ hook: 'somewhere' })).toBe('somewhere');
  expect(hookWords({ hook: 'blocks.4.hook_mlp_out', reads: 'blocks.4.mlp.hook_in' })).toBe(
    'the MLP output from the MLP’s input (transcoder)',
  );
});

it('what is said of an SAE inside a block is not of the residual', () => {
  const entry = fixture('small-world-l2');
  expect(verdictText(entry)).toContain('of the residual’s variance');
  const inside = { ...entry, sae: { ...entry.sae, hook: 'blocks.2.hook_mlp_out' } };
  expect(isUsualHook(inside.sae)).toBe(false);
  expect(verdictText(inside)).toContain('of the variance there');
});
