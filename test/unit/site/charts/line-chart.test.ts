import { describe, expect, it } from 'vitest';
import { lineChart, thin } from '../../../../site/charts/line-chart.ts';

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
        "at": [Function],
        "cut": false,
        "frame": {
          "bottom": 40,
          "height": 250,
          "left": 46,
          "right": 34,
          "top": 12,
          "width": 400,
        },
        "labelled": true,
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
            "path": "M46,86.3L206,61.5L366,36.8",
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
            "path": "M46,86.3L206,61.3L366,36.3",
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
        "zeroY": 210,
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

  it('moves labels apart wherever the lines end, as they stand in one column', () => {
    const points = (last: number) => [1, last].map((x) => ({ x, y: 0 }));
    const [short, long] = lineChart(
      [
        { label: 'short', points: points(10) },
        { label: 'long', points: points(100) },
      ],
      { formatX: String, formatY: String, include: [0, 5] },
    ).series;
    expect(short?.end?.pointY).toBe(long?.end?.pointY);
    expect(Math.abs(short!.end!.y - long!.end!.y)).toBeGreaterThanOrEqual(13);
  });

  it('thins a long line by place and drops its markers: no scale loses its start or its end', () => {
    const points = Array.from({ length: 2_000 }, (_, i) => ({ x: i + 1, y: i }));
    const draw = (xScale: 'log' | 'linear') =>
      lineChart([{ label: 'a', points }], { formatX: String, formatY: String, xScale }).series[0]!;
    const xOf = (path: string) => path.match(/(?<=[ML])[\d.]+/g)!.map(Number);
    for (const scale of ['log', 'linear'] as const) {
      const drawn = draw(scale);
      expect(drawn.markers).toEqual([]);
      const xs = xOf(drawn.path);
      expect(xs.length).toBeLessThanOrEqual(160);
      expect(xs.at(-1)).toBe(366);
      // Neighbours are apart, though not further than one more point of the whole line would be (the first of a
      // logarithmic line aside, whose own points are further apart).
      const gaps = xs.slice(1, -1).map((x, i) => x - xs[i]!);
      // Drawn to a tenth of a pixel.
      expect(Math.min(...gaps)).toBeGreaterThan(1.89);
      if (scale === 'linear') expect(Math.max(...gaps)).toBeLessThan(2.3);
    }
    // The first points of a logarithmic axis are all there: 1, 2, 3 … as they were logged.
    const first = (n: number) => Number((46 + (320 * Math.log(n)) / Math.log(2_000)).toFixed(2));
    expect(xOf(draw('log').path).slice(0, 6)).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => expect.closeTo(first(n), 1)),
    );
    expect(thin([1, 2, 3, 4, 5], 3)).toEqual([1, 3, 5]);
  });

  it('draws on a linear token axis from 0, and on a logarithmic value axis', () => {
    const points = [1, 2, 4].map((x) => ({ x, y: 10 ** x }));
    const chart = lineChart([{ label: 'a', points }], {
      formatX: String,
      formatY: String,
      xScale: 'linear',
      yScale: 'log',
    });
    expect(chart.xTicks.map(({ label }) => label)).toEqual(['0', '1', '2', '3', '4']);
    expect(chart.yTicks.map(({ label }) => label)).toEqual(['10', '100', '1000', '10000']);
    expect(chart.series[0]!.path).toBe('M126,210L206,144L366,12');
  });

  it('moves labels apart that would run into those of a longer line', () => {
    const points = (last: number) => [1, last].map((x) => ({ x, y: 3 }));
    const [short, long] = lineChart(
      [
        { label: 'a long label', points: points(70) },
        { label: 'b', points: points(100) },
      ],
      { formatX: String, formatY: String },
    ).series;
    expect(Math.abs(short!.end!.y - long!.end!.y)).toBeGreaterThanOrEqual(13);
  });
});
