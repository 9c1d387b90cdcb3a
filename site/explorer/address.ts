/**
 * The page's address, which follows the reader's choices. A browser that notes an address notes the whole page for the way
 * back, which takes as long as drawing it: it is written when the frame that shows the choice is on the screen.
 */
import { afterPaint } from './painting.ts';

export interface Address {
  write(address: string, how: 'push' | 'replace'): void;
  /** Writes at once what is still to be written. */
  settle(): void;
  /** Forgets it, where the reader has gone to another address meanwhile. */
  drop(): void;
}

export function addressOf(): Address {
  let waiting: { address: string; how: 'push' | 'replace' }[] = [];
  const settle = (): void => {
    for (const { address, how } of waiting.splice(0)) {
      if (how === 'push') history.pushState(null, '', address);
      else history.replaceState(null, '', address);
    }
  };
  addEventListener('pagehide', settle);
  return {
    write(address, how) {
      const last = waiting.at(-1);
      if (how === 'replace' && last !== undefined) last.address = address;
      else waiting.push({ address, how });
      afterPaint(settle);
    },
    settle,
    drop() {
      waiting = [];
    },
  };
}
