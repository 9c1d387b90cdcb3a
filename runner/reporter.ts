/** How far a stage is. `fields` are short words a terminal line can carry, such as loss or var_exp. */
export interface StageProgress {
  stage: string;
  done: number;
  total: number;
  unit: string;
  /** Units a second, over the last few seconds. */
  rate: number;
  fields: Readonly<Record<string, string>>;
}

/** What a stage of the job is given to speak and to be stopped by. */
export interface Reporter {
  /** At most a few messages a second are passed on; the first and the last of a stage always are. */
  progress(done: number, total: number, fields?: Readonly<Record<string, string>>): void;
  note(text: string): void;
  /** True when the user asked to stop; stages look at it between steps. */
  stopRequested(): boolean;
}

/** Thrown by a stage that stopped because it was asked to, after saving its state. */
export class Stopped extends Error {
  constructor(message = 'stopped; the same command goes on from what is saved') {
    super(message);
  }
}

const MIN_INTERVAL_MS = 120;
/** Rates are taken over this long, so that they follow changes but do not flicker. */
const RATE_WINDOW_MS = 6_000;

/** A reporter of one stage; `send` and `note` carry its words out of the thread. */
export function stageReporter(
  stage: string,
  unit: string,
  send: (progress: StageProgress) => void,
  note: (text: string) => void,
  stop: () => boolean,
): Reporter {
  let lastSent = Number.NEGATIVE_INFINITY;
  const seen: { at: number; done: number }[] = [];
  return {
    progress(done, total, fields = {}) {
      const now = performance.now();
      seen.push({ at: now, done });
      while (seen.length > 2 && now - seen[0]!.at > RATE_WINDOW_MS) seen.shift();
      if (now - lastSent < MIN_INTERVAL_MS && done < total) return;
      lastSent = now;
      const [oldest] = seen;
      const seconds = (now - oldest!.at) / 1000;
      send({ stage, done, total, unit, rate: seconds > 0 ? (done - oldest!.done) / seconds : 0, fields });
    },
    note,
    stopRequested: stop,
  };
}
