import { describe, expect, it } from 'vitest';
import { composition } from '../../../../site/charts/composition.ts';

describe('composition', () => {
  it('gives each block its weight and fills it to its value', () => {
    const chart = composition(
      [
        { label: 'a', weight: 3, value: 0.5 },
        { label: 'b', weight: 1, value: null },
      ],
      103,
    );
    expect(chart.blocks).toEqual([
      { label: 'a', index: 0, x: 0, width: 75, filled: 37.5 },
      { label: 'b', index: 1, x: 78, width: 25, filled: 0 },
    ]);
  });

  it('marks where an untrained SAE would end, where that is known', () => {
    const part = { label: 'a', weight: 1, value: 0.9 };
    const { blocks } = composition([part, { ...part, untrained: 0.5 }, { ...part, untrained: null }], 306);
    expect(blocks.map(({ untrained }) => untrained)).toEqual([undefined, 103 + 50, undefined]);
  });
});
