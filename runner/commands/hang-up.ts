/**
 * Signals that say that the terminal was closed, to stop at: none where nothing is written to a terminal, as under nohup.
 * Node takes back that nohup had the signal ignored, so that the program has to ignore it itself.
 */
export const HANG_UP: readonly NodeJS.Signals[] =
  process.stdout.isTTY || process.stderr.isTTY ? ['SIGHUP'] : [];

/** For the whole program, what it does beside a job included. */
export function outliveTerminal(): void {
  if (HANG_UP.length === 0) process.on('SIGHUP', () => undefined);
}
