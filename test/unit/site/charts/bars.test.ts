import { describe, expect, it } from 'vitest';
import { bars } from '../../../../site/charts/bars.ts';

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
