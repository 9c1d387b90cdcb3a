/**
 * Cancellation points. A loop that never returns to its event loop can only be ended from inside: long loops call
 * `cancellationPoint` between steps, and the thread that runs them decides what happens there; it may throw.
 */
let check = (): void => undefined;

export function cancellationPoint(): void {
  check();
}

/** What cancellation points of this thread do from now on. */
export function atCancellationPoints(act: () => void): void {
  check = act;
}
