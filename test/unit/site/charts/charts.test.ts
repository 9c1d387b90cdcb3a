import { describe, expect, it } from 'vitest';
import { bars } from '../../../../site/charts/bars.ts';
import { composition } from '../../../../site/charts/composition.ts';
import { histogram } from '../../../../site/charts/histogram.ts';
import { lineChart, thin } from '../../../../site/charts/line-chart.ts';
import { linearAxis, logAxis } from '../../../../site/charts/scale.ts';
import { whisker, whiskerDomain } from '../../../../site/charts/whisker.ts';
import { powerOfTen } from '../../../../site/lib/format.ts';

describe('whisker', () => {
  it('places a value and its bounds', () => {
    expect(whisker({ domain: [0.7, 0.8], width: 120 }, 0.76, 0.75, 0.7733333)).toEqual({
      point: 72,
      low: 60,
      high: 88,
    });
  });

  it('stays inside the scale and draws no bounds it does not have', () => {
    expect(whisker({ domain: [0, 1], width: 50 }, 1.2, null, null)).toEqual({
      point: 50,
      low: null,
      high: null,
    });
    expect(whisker({ domain: [1, 1], width: 50 }, 1, 1, 1)).toEqual({ point: 0, low: 0, high: 0 });
  });

  it('finds a shared scale with round ends', () => {
    expect(whiskerDomain([0.7788, 0.7423, 0.7507])).toEqual([0.7, 0.8]);
    expect(whiskerDomain([0.75, 0.8])).toEqual([0.7, 0.85]);
    expect(whiskerDomain([0.76])).toEqual([0.7, 0.85]);
    expect(whiskerDomain([])).toEqual([0, 1]);
  });
});

describe('axes', () => {
  it('reach the values asked for', () => {
    const axis = linearAxis([0.2, 0.9], [100, 0], { include: [0], count: 5, format: (v) => v.toFixed(1) });
    expect(axis.ticks).toEqual([
      { at: 100, label: '0.0' },
      { at: 80, label: '0.2' },
      { at: 60, label: '0.4' },
      { at: 40, label: '0.6' },
      { at: 20, label: '0.8' },
      { at: 0, label: '1.0' },
    ]);
  });

  it('survive no value and a single value', () => {
    expect(linearAxis([], [0, 10], { format: String }).at(0.5)).toBe(5);
    expect(Number.isFinite(linearAxis([3], [0, 10], { format: String }).at(3))).toBe(true);
    expect(Number.isFinite(logAxis([], [0, 10], String).at(2))).toBe(true);
    expect(logAxis([100], [0, 10], String).at(100)).toBe(5);
  });

  it('mark 1, 2, 5 on a short logarithm and powers alone on a long one', () => {
    expect(logAxis([10e6, 200e6], [0, 100], String).ticks.map((tick) => Number(tick.label) / 1e6)).toEqual([
      10, 20, 50, 100, 200,
    ]);
    expect(logAxis([100, 1e6], [0, 100], String).ticks).toEqual([
      { at: 0, label: '100' },
      { at: 25, label: '1000' },
      { at: 50, label: '10000' },
      { at: 75, label: '100000' },
      { at: 100, label: '1000000' },
    ]);
  });
});

describe('lineChart', () => {
  it('reaches the ends of intervals and draws them', () => {
    const chart = lineChart(
      [
        {
          label: 'a',
          points: [
            { x: 1, y: 1, low: 0, high: 4 },
            { x: 10, y: 2 },
          ],
        },
      ],
      {
        formatX: String,
        formatY: String,
        unit: 'latents',
      },
    );
    const [series] = chart.series;
    expect(series!.whiskers).toHaveLength(1);
    const { low, high } = series!.whiskers[0]!;
    expect(low).toBe(chart.frame.height - chart.frame.bottom);
    expect(high).toBe(chart.frame.top);
    expect(series!.markers[1]!.title).toBe('a: 2 at 10 latents');
  });

  it('draws lines, markers and labels that do not touch', () => {
    const chart = lineChart(
      [
        { label: 'L1', points: [10, 100, 1000].map((x, i) => ({ x, y: 0.5 + 0.1 * i })) },
        { label: 'L2', points: [10, 100, 1000].map((x, i) => ({ x, y: 0.5 + 0.101 * i })) },
        { label: 'none', points: [] },
      ],
      { formatX: String, formatY: (y) => y.toFixed(2), include: [0] },
    );
    expect(chart).toMatchInlineSnapshot(`
      {
        "frame": {
          "bottom": 40,
          "height": 250,
          "left": 46,
          "right": 34,
          "top": 12,
          "width": 400,
        },
        "series": [
          {
            "end": {
              "pointY": 36.75,
              "x": 366,
              "y": 49.255,
            },
            "index": 0,
            "label": "L1",
            "markers": [
              {
                "title": "L1: 0.50 at 10 tokens",
                "x": 46,
                "y": 86.25,
              },
              {
                "title": "L1: 0.60 at 100 tokens",
                "x": 206,
                "y": 61.5,
              },
              {
                "title": "L1: 0.70 at 1000 tokens",
                "x": 366,
                "y": 36.75,
              },
            ],
            "path": "M46,86.25L206,61.5L366,36.75",
            "whiskers": [],
          },
          {
            "end": {
              "pointY": 36.255,
              "x": 366,
              "y": 36.255,
            },
            "index": 1,
            "label": "L2",
            "markers": [
              {
                "title": "L2: 0.50 at 10 tokens",
                "x": 46,
                "y": 86.25,
              },
              {
                "title": "L2: 0.60 at 100 tokens",
                "x": 206,
                "y": 61.253,
              },
              {
                "title": "L2: 0.70 at 1000 tokens",
                "x": 366,
                "y": 36.255,
              },
            ],
            "path": "M46,86.25L206,61.25L366,36.26",
            "whiskers": [],
          },
          {
            "end": null,
            "index": 2,
            "label": "none",
            "markers": [],
            "path": "",
            "whiskers": [],
          },
        ],
        "xTicks": [
          {
            "at": 46,
            "label": "10",
          },
          {
            "at": 122.339,
            "label": "30",
          },
          {
            "at": 206,
            "label": "100",
          },
          {
            "at": 282.339,
            "label": "300",
          },
          {
            "at": 366,
            "label": "1000",
          },
        ],
        "yTicks": [
          {
            "at": 210,
            "label": "0.00",
          },
          {
            "at": 160.5,
            "label": "0.20",
          },
          {
            "at": 111,
            "label": "0.40",
          },
          {
            "at": 61.5,
            "label": "0.60",
          },
          {
            "at": 12,
            "label": "0.80",
          },
        ],
      }
    `);
  });

  it('keeps every label inside the plot', () => {
    const series = Array.from({ length: 8 }, (_, i) => ({
      label: `L${i}`,
      points: [
        { x: 1, y: 0 },
        { x: 10, y: 0 },
      ],
    }));
    const { frame, series: drawn } = lineChart(series, { formatX: String, formatY: String });
    const heights = drawn.map((one) => one.end?.y ?? 0).toSorted((a, b) => a - b);
    expect(heights.at(-1)).toBeLessThanOrEqual(frame.height - frame.bottom);
    for (let i = 1; i < heights.length; i++) {
      expect((heights[i] ?? 0) - (heights[i - 1] ?? 0)).toBeGreaterThanOrEqual(13 - 1e-6);
    }
  });

  it('leaves labels of lines that end elsewhere alone', () => {
    const points = (last: number) => [1, last].map((x) => ({ x, y: 0 }));
    const [short, long] = lineChart(
      [
        { label: 'short', points: points(10) },
        { label: 'long', points: points(100) },
      ],
      { formatX: String, formatY: String, include: [0, 5] },
    ).series;
    expect(short?.end?.y).toBe(short?.end?.pointY);
    expect(long?.end?.y).toBe(long?.end?.pointY);
  });

  it('thins a long line and drops its markers', () => {
    const points = Array.from({ length: 1_000 }, (_, i) => ({ x: i + 1, y: i }));
    const [drawn] = lineChart([{ label: 'a', points }], { formatX: String, formatY: String }).series;
    expect(drawn?.markers).toEqual([]);
    expect(drawn?.path.split('L')).toHaveLength(160);
    expect(thin([1, 2, 3, 4, 5], 3)).toEqual([1, 3, 5]);
  });
});

describe('histogram', () => {
  it('stands its bars on the floor', () => {
    expect(histogram([-2, -1, 0], [3, 1])).toMatchInlineSnapshot(`
      {
        "bars": [
          {
            "height": 148.5,
            "title": "3 latents fire in 10^-2 to 10^-1 of the tokens",
            "width": 170,
            "x": 46,
            "y": 61.5,
          },
          {
            "height": 49.5,
            "title": "1 latents fire in 10^-1 to 10^0 of the tokens",
            "width": 170,
            "x": 217,
            "y": 160.5,
          },
        ],
        "frame": {
          "bottom": 40,
          "height": 250,
          "left": 46,
          "right": 12,
          "top": 12,
          "width": 400,
        },
        "xTicks": [
          {
            "at": 46,
            "label": "10⁻²",
          },
          {
            "at": 217,
            "label": "10⁻¹",
          },
          {
            "at": 388,
            "label": "10⁰",
          },
        ],
        "yTicks": [
          {
            "at": 210,
            "label": "0",
          },
          {
            "at": 160.5,
            "label": "1",
          },
          {
            "at": 111,
            "label": "2",
          },
          {
            "at": 61.5,
            "label": "3",
          },
          {
            "at": 12,
            "label": "4",
          },
        ],
      }
    `);
  });

  it('writes powers of ten', () => {
    expect([-5, 0, 12].map(powerOfTen)).toEqual(['10⁻⁵', '10⁰', '10¹²']);
  });
});

describe('bars', () => {
  it('start at zero and carry their intervals', () => {
    const chart = bars([
      { label: 'untouched', value: 2, low: 1.9, high: 2.1, text: '2.000' },
      { label: 'zero', value: 8, low: null, high: null, text: '8.000' },
    ]);
    expect(chart).toMatchInlineSnapshot(`
      {
        "bars": [
          {
            "high": 150.15,
            "label": "untouched",
            "length": 63,
            "low": 143.85,
            "middle": 17,
            "text": "2.000",
            "textAt": 156.15,
            "thickness": 16,
            "y": 9,
          },
          {
            "high": null,
            "label": "zero",
            "length": 252,
            "low": null,
            "middle": 51,
            "text": "8.000",
            "textAt": 342,
            "thickness": 16,
            "y": 43,
          },
        ],
        "floor": 72,
        "height": 110,
        "left": 84,
        "ticks": [
          {
            "at": 84,
            "label": "0",
          },
          {
            "at": 147,
            "label": "2",
          },
          {
            "at": 210,
            "label": "4",
          },
          {
            "at": 273,
            "label": "6",
          },
          {
            "at": 336,
            "label": "8",
          },
        ],
        "width": 400,
      }
    `);
  });
});

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
});
