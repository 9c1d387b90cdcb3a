import { describe, expect, it } from 'vitest';
import { histogram } from '../../../../site/charts/histogram.ts';
import { formatPower, powerOfTen } from '../../../../site/lib/format.ts';

const say = (count: string, from: string, to: string): string => `${count}: ${from} to ${to}`;

describe('histogram', () => {
  it('stands on a plain axis where it is asked for', () => {
    const { bars, xTicks } = histogram({
      edges: [-1, 0, 1],
      counts: [3, 1],
      scale: 'linear',
      format: String,
      say,
    });
    expect(bars.map(({ title }) => title)).toEqual(['3: -1 to 0', '1: 0 to 1']);
    expect(bars[0]!.width).toBe(bars[1]!.width);
    expect(xTicks.map(({ label }) => label)).toEqual(['-1', '-0.5', '0', '0.5', '1']);
  });

  it('stands its bars on the floor', () => {
    expect(
      histogram({ edges: [-3, -2, -1], counts: [3, 1], format: formatPower, say }),
    ).toMatchInlineSnapshot(`
      {
        "bars": [
          {
            "height": 148.5,
            "title": "3: 10⁻³ to 10⁻²",
            "width": 170,
            "x": 46,
            "y": 61.5,
          },
          {
            "height": 49.5,
            "title": "1: 10⁻² to 10⁻¹",
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
            "label": "10⁻³",
          },
          {
            "at": 127.588,
            "label": "3.0 × 10⁻³",
          },
          {
            "at": 217,
            "label": "10⁻²",
          },
          {
            "at": 298.588,
            "label": "3.0 × 10⁻²",
          },
          {
            "at": 388,
            "label": "10⁻¹",
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

  it('has ticks inside a decade, and bars as wide as their bins', () => {
    const { bars, xTicks } = histogram({ edges: [0, 0.2, 0.6], counts: [1, 9], format: String, say });
    expect(xTicks.map(({ label }) => label)).toEqual(['1', '2']);
    expect(bars[1]!.width / bars[0]!.width).toBeCloseTo(2, 1);
    expect(bars[1]!.height / bars[0]!.height).toBeCloseTo(9, 2);
  });

  it('writes powers of ten', () => {
    expect([-5, 0, 12].map(powerOfTen)).toEqual(['10⁻⁵', '10⁰', '10¹²']);
    expect([1e-3, 10 ** -2.5, 1].map(formatPower)).toEqual(['10⁻³', '3.2 × 10⁻³', '10⁰']);
  });
});
