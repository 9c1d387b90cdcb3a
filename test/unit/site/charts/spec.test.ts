import { describe, expect, it } from 'vitest';
import { drawFigure } from '../../../../site/charts/figure.ts';
import { fixed, formatNamed } from '../../../../site/charts/formats.ts';
import { CONTROL, colourClass, dashOf, markerPath } from '../../../../site/charts/palette.ts';
import { type ChartSpec, chartOf, readingsAt, stopsOf } from '../../../../site/charts/spec.ts';

const spec: ChartSpec = {
  id: 'c',
  heading: 'Variance explained',
  title: 'Variance explained, <model>',
  description: 'Two lines.',
  x: { label: 'training tokens (log)', scale: 'log', ticks: 'tokens', values: 'tokens' },
  y: { label: 'var_exp', scale: 'linear', ticks: 'fixed2', values: 'fixed3' },
  series: [
    {
      label: 'L1',
      x: [0, 10, 100, 1_000],
      y: [0.1, 0.7, 0.8, 0.9],
      low: [0, 0.69, null, 0.8],
      high: [1, 0.71, null, 1],
    },
    { label: 'L2', x: [10, 1_000], y: [0.6, 0.7] },
  ],
  source: 'var_exp@pooled-v1',
};

describe('a chart written down', () => {
  it('draws the same lines after a way through JSON', () => {
    const again = JSON.parse(JSON.stringify(spec)) as ChartSpec;
    expect(drawFigure(again).text).toBe(drawFigure(spec).text);
    expect(chartOf(spec).series.map(({ path }) => path.split('L').length)).toEqual([3, 2]);
    // Nothing stands at 0 on a logarithmic axis.
    expect(stopsOf(spec)).toEqual([10, 100, 1_000]);
    expect(drawFigure(spec).text).toContain('&lt;model&gt;');
  });

  it('is read out at its stops, with intervals, and between its points where another has one', () => {
    expect(readingsAt(spec, 10).map(({ label, text }) => `${label} ${text}`)).toEqual([
      'L1 0.700 (0.690 to 0.710)',
      'L2 0.600',
    ]);
    const [first, second] = readingsAt(spec, 100);
    expect(first!.text).toBe('0.800');
    // Half-way along the axis between its two points.
    expect(second!.point.x === 10 || second!.point.x === 1_000).toBe(true);
    expect(readingsAt({ ...spec, series: [{ label: 'one', x: [10], y: [1] }] }, 100)).toEqual([]);
  });

  it('says that an axis leaves 0 out, and draws 0 where it is inside', () => {
    expect(chartOf(spec)).toMatchObject({ cut: true, zeroY: null });
    expect(drawFigure(spec).text).toContain('does not begin at 0');
    const whole = { ...spec, y: { ...spec.y, include: [-1, 0] } };
    const chart = chartOf(whole);
    expect(chart.cut).toBe(false);
    expect(chart.zeroY).toBe(chart.at(10, 0).y);
    expect(drawFigure(whole).text).toContain('class="zero"');
  });
});

describe('palette', () => {
  it('gives 36 series pairs of colour and shape that differ', () => {
    const pairs = Array.from({ length: 36 }, (_, i) => `${colourClass(i)} ${markerPath(i)}`);
    expect(new Set(pairs).size).toBe(36);
    expect(dashOf(0)).toBeNull();
    const among = Array.from({ length: 36 }, (_, i) => [colourClass(i), markerPath(i)]).flat();
    expect(among).not.toContain(colourClass(CONTROL));
    expect(among).not.toContain(markerPath(CONTROL));
    expect(dashOf(CONTROL)).toBeNull();
    expect(new Set([0, 6, 12].map(dashOf)).size).toBe(3);
  });
});

describe('formats by name', () => {
  it('say numbers as pages do', () => {
    expect(formatNamed('tokens')(2e8)).toBe('200\u00a0M');
    expect(formatNamed(fixed(3))(0.70049)).toBe('0.700');
    expect([30, 90, 5_400].map(formatNamed('hours'))).toEqual(['30\u00a0s', '1.5\u00a0min', '1.5\u00a0h']);
  });
});
