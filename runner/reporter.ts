/** How far a stage is. `fields` are short words a terminal line can carry, such as loss or var_exp. */
export interface StageProgress {
  stage: string;
  done: number;
  total: number;
  unit: string;
  /** Units a second, over the last few seconds. */
  rate: number;
  /** Where units differ in what they cost: the share of the work that is done, and of it a second since the stage began. */
  work?: { share: number; rate: number };
  fields: Readonly<Record<string, string>>;
}

/** How work of any length reports progress and hears that it is to stop; that of a worker thread goes to the thread that started it. */
export interface Voice {
  progress(progress: StageProgress): void;
  note(text: string): void;
  /** True when the user asked to stop; loops look at it between steps. */
  stopRequested(): boolean;
}

/** For work without a listener, which is never stopped. */
export const silent: Voice = {
  progress: () => undefined,
  note: () => undefined,
  stopRequested: () => false,
};

/** How a stage of the job reports progress and hears that it is to stop. */
export interface Reporter {
  /**
   * At most a few messages a second are passed on; the first and the last of a stage always are.
   *
   * @param share of the work, 0 to 1, where it is another than that of the units
   */
  progress(done: number, total: number, fields?: Readonly<Record<string, string>>, share?: number): void;
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

/** A share as a word of a line of progress. */
export function percent(done: number, total: number): string {
  return `${Math.floor((100 * done) / total)} %`;
}

const MIN_INTERVAL_MS = 120;
/** Rates are taken over this long, so that they follow changes but do not flicker. */
const RATE_WINDOW_MS = 6_000;

/** A reporter of one stage, which speaks through a voice. */
export function stageReporter(stage: string, unit: string, voice: Voice): Reporter {
  let lastSent = Number.NEGATIVE_INFINITY;
  const seen: { at: number; done: number }[] = [];
  let began: { at: number; share: number } | undefined;
  return {
    progress(done, total, fields = {}, share) {
      const now = performance.now();
      if (share !== undefined) began ??= { at: now, share };
      seen.push({ at: now, done });
      while (seen.length > 2 && now - seen[0]!.at > RATE_WINDOW_MS) seen.shift();
      if (now - lastSent < MIN_INTERVAL_MS && done < total) return;
      lastSent = now;
      const [oldest] = seen;
      const seconds = (now - oldest!.at) / 1000;
      voice.progress({
        stage,
        done,
        total,
        unit,
        rate: seconds > 0 ? (done - oldest!.done) / seconds : 0,
        ...(share !== undefined && { work: { share, rate: rateSince(began!, now, share) } }),
        fields,
      });
    },
    note: voice.note,
    stopRequested: voice.stopRequested,
  };
}

/** Share of the work a second. */
function rateSince(began: { at: number; share: number }, now: number, share: number): number {
  return now > began.at ? (1_000 * (share - began.share)) / (now - began.at) : 0;
}
