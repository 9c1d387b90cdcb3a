import { describe, expect, it } from 'vitest';
import { histogram } from '../../../../site/charts/histogram.ts';
import { powerOfTen } from '../../../../site/lib/format.ts';

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
