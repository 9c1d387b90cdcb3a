/** SAEs of hooks inside blocks, from SAELens' files to the measured part of a record, against SAELens and transformers. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { hookName } from '../../../runner/hook.ts';
import { featureShard } from '../../../runner/report/features.ts';
import { described, evaluatedInside, holdTo, located, readExpected } from './inside-block.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/hooks/', import.meta.url));
const golden = readExpected(`${fixtures}evaluation.json`);

it('measures them as SAELens and transformers do', async () => {
  const published = await described(await located(golden.saes.map(({ folder }) => `${fixtures}${folder}`)));
  expect(published.map(({ id }) => id)).toEqual([
    'L1_mlp_out_b1-mlp-out',
    'L3_attn_z_b3-attn-z',
    'L4_attn_out_b4-attn-out',
    'L2_mlp_in_b2-mlp-in',
  ]);
  const { evaluated } = await evaluatedInside(published, golden.ids);
  expect(evaluated.map(({ planned }) => hookName(planned))).toEqual([
    'mlp_out:1',
    'mlp_in:2',
    'attn_z:3',
    'attn_out:4',
  ]);
  for (const each of evaluated) {
    holdTo(golden.saes.find(({ folder }) => folder.startsWith(`b${each.planned.layer}-`))!, each);
    // Latents have neighbours everywhere, and tokens that they raise where a decoder row is a direction of the residual stream.
    const shard = featureShard.parse(JSON.parse(each.evaluated.evidence!['0.json']!));
    const raises = ['mlp_out', 'attn_out'].includes(each.planned.site);
    for (const { raised, lowered, neighbours } of shard.features) {
      expect([raised !== null, lowered !== null, neighbours !== null]).toEqual([raises, raises, true]);
    }
  }
});
