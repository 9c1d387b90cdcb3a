/** A second Ctrl-C within this time is the same one: a terminal sends it to npm and the launcher too, which pass it on. */
export const SAME_SIGNAL_MS = 1_000;

/**
 * Asks for a stop at the first Ctrl-C; a later one ends the process, as it would without this.
 *
 * @param signals what is taken besides, if anything
 * @returns ends it: signals do again what they did before
 */
export function whenInterrupted(
  stop: (signal: NodeJS.Signals) => void,
  signals: readonly NodeJS.Signals[] = ['SIGINT'],
): () => void {
  let asked: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (asked === undefined) {
      asked = now;
      stop(signal);
    } else if (now - asked > SAME_SIGNAL_MS) {
      end();
      process.kill(process.pid, signal);
    }
  };
  const end = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return end;
}
