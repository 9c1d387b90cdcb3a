import { describe, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { plannedSaes, trainedSaes } from '../../../../runner/job/shared/planned-saes.ts';

const planned = async (...set: string[]) => plannedSaes(await resolveRun(['small-world'], { set }), []);

describe('plannedSaes', () => {
  it('is one SAE a layer without a sweep, ascending, named by its layer', async () => {
    const saes = await planned('layers=[4,0,2]');
    expect(saes.map(({ id, layer }) => [id, layer])).toEqual([
      ['L0', 0],
      ['L2', 2],
      ['L4', 4],
    ]);
  });

  it('trains them by layer, ascending, in whatever order the layers are named', async () => {
    const config = await resolveRun(['small-world'], { set: ['layers=[4,0,2]'] });
    expect(trainedSaes(config).map(({ hook }) => hook.layer)).toEqual([0, 2, 4]);
    expect(trainedSaes({ ...config, train: false })).toEqual([]);
  });

  it('is layers times all combinations of the sweep, each with its own whole recipe', async () => {
    const saes = await planned('layers=[2,0]', 'sweep.k=[16,32]', 'sweep.seed=[0,7]', 'sweep.dSae=[512]');
    expect(saes.map(({ id }) => id)).toEqual([
      'L0_k16_s0',
      'L0_k16_s7',
      'L0_k32_s0',
      'L0_k32_s7',
      'L2_k16_s0',
      'L2_k16_s7',
      'L2_k32_s0',
      'L2_k32_s7',
    ]);
    expect(saes[1]!.origin).toMatchObject({
      kind: 'trained',
      recipe: { dSae: 512, k: 16, seed: 7, kAux: 32 },
    });
  });

  it('sweeps a setting over the architectures it means something to', async () => {
    const saes = await planned(
      'layers=[0]',
      'sweep.architecture=["topk","jumprelu","gated"]',
      'sweep.k=[16,32]',
      'sweep.sparsityPenalty=[0.5,2]',
      'sweep.l0Target=[20]',
    );
    expect(saes.map(({ id }) => id)).toEqual([
      'L0_topk_k16',
      'L0_topk_k32',
      'L0_jumprelu_penalty0.5',
      'L0_jumprelu_penalty2',
      'L0_gated_penalty0.5',
      'L0_gated_penalty2',
    ]);
    expect(saes[3]!.origin).toMatchObject({ recipe: { architecture: 'jumprelu', sparsityPenalty: 2 } });
  });

  it.each([
    ['a combination that is no recipe', ['sweep.k=[16,5000]'], /setting sweep: .*k: expected at most dSae/],
    ['a value twice', ['sweep.k=[16,16]'], /setting sweep: .*each value of a list once/],
    ['too many', [`sweep.seed=[${Array.from({ length: 64 }, (_, i) => i)}]`, 'sweep.k=[1,2]'], /at most 256/],
    [
      'an axis that means nothing',
      ['sweep.l0Target=[8,16]'],
      /setting sweep\.l0Target: found \[8,16\]; expected none: it means nothing to topk/,
    ],
    ['an unknown axis', ['sweep.batchTokens=[256,512]'], /settings of sweep: found "batchTokens"/],
  ])('refuses %s', async (_name, set, message) => {
    await expect(planned(...set)).rejects.toThrow(message);
  });
});
