import { describe, expect, it } from 'vitest';
import { compareValues, type SortDirection } from '../../../../site/lib/order.ts';

function sorted<T extends number | string | null>(values: readonly T[], direction: SortDirection): T[] {
  return values.toSorted((a, b) => compareValues(a, b, direction));
}

describe('compareValues', () => {
  it('puts missing values last in both directions', () => {
    const values = [2, null, 10, 0, null];
    expect(sorted(values, 'ascending')).toEqual([0, 2, 10, null, null]);
    expect(sorted(values, 'descending')).toEqual([10, 2, 0, null, null]);
  });

  it('counts inside names, whatever their case', () => {
    expect(sorted(['L31', 'L4', 'l11'], 'ascending')).toEqual(['L4', 'l11', 'L31']);
    expect(sorted(['L31', 'L4', 'l11'], 'descending')).toEqual(['L31', 'l11', 'L4']);
  });
});
