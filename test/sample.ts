/**
 * The slow suites run whole by name, and a sample of them in `npm test`: what a sample leaves out is a skipped test
 * that says so.
 */
import { test } from 'vitest';

/** Whether all was asked for: `npm run test:all`, or one of the suites by its name. */
export const whole = process.env.INTERPBOARD_TESTS === 'whole';

/** A test that `npm test` leaves to the whole run. @param patience milliseconds, where it wants more than others */
export function slowTest(name: string, work: () => Promise<void>, patience?: number): void {
  if (whole) test(name, work, patience);
  else test.skip(`${name} (npm run test:all)`, work);
}
