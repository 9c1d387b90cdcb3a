/** How the intervals of a record were formed; a measure names one of these. Free of zod: pages read it too. */

export const intervalMethods = {
  'studentised@3':
    'studentised bootstrap over documents or test texts, its ends at Student’s quantile for what is known of the standard error',
  'studentised@2': 'studentised bootstrap over documents or test texts',
  'percentile@2': 'percentiles of the bootstrap over documents or test texts',
  wilson: 'Wilson’s score interval',
  'agresti-min': 'Agresti and Min’s interval of a paired difference of proportions',
  'newcombe-5': 'Newcombe’s method 5 for an AUROC near its bound',
  mover: 'intervals of the parts put together by their squares (MOVER)',
  poisson: 'limits of a count of which none was seen',
  constant: 'the same on every row',
} as const;

export type IntervalMethod = keyof typeof intervalMethods;

export const intervalMethodIds = Object.keys(intervalMethods) as [IntervalMethod, ...IntervalMethod[]];

/** What records hold whose intervals name no method. */
export const EARLIER_METHOD = 'studentised bootstrap over rows, after clipping (studentised@1)';
