import { codePointName, replaceUnseen } from '../report/unseen.ts';
import type { StageProgress, Voice } from '../reporter.ts';

/** Where lines go: a terminal is rewritten in place, anything else gets plain lines now and then. */
export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface ProgressView {
  show(progress: StageProgress): void;
  /** Prints a line of its own, below what is shown. */
  line(text: string): void;
  /** Ends the line in place, if there is one. */
  end(): void;
}

const PLAIN_INTERVAL_MS = 5_000;

export function progressView(screen: Screen, now: () => number = () => performance.now()): ProgressView {
  let open = false;
  let stage = '';
  let lastPlain = Number.NEGATIVE_INFINITY;

  function end(): void {
    if (open) screen.write('\n');
    open = false;
  }

  return {
    show(progress) {
      // A terminal that does not know its width says 0.
      const width = screen.isTTY ? Math.max(20, (screen.columns || 100) - 1) : Number.POSITIVE_INFINITY;
      const text = printable(describe(progress, width));
      const finished = progress.done >= progress.total;
      if (progress.stage !== stage) end();
      if (screen.isTTY) {
        screen.write(`\r\u001b[K${text}`);
        open = true;
        if (finished) end();
      } else if (finished || progress.stage !== stage || now() - lastPlain >= PLAIN_INTERVAL_MS) {
        lastPlain = now();
        screen.write(`${text}\n`);
      }
      stage = progress.stage;
    },
    line(text) {
      end();
      screen.write(`${printable(text)}\n`);
    },
    end,
  };
}

/**
 * One line: stage, percent, counts, rate, ETA, then the stage's own fields. What a narrow terminal has no room for
 * goes in the order of least use: counts, rate, and then the end of the line.
 */
export function describe(progress: StageProgress, width = Number.POSITIVE_INFINITY): string {
  const { done, total, unit, rate, work } = progress;
  const percent = total > 0 ? Math.floor(100 * (work?.share ?? done / total)) : 100;
  const counts = `${short(done)}/${short(total)} ${unit}`;
  const speed = rate > 0 ? [`${short(rate)} ${unit}/s`] : [];
  const left = work === undefined ? (total - done) / rate : (1 - work.share) / work.rate;
  const ending = Number.isFinite(left) && left > 0 ? [`ETA ${duration(left)}`] : [];
  const rest = [...ending, ...Object.entries(progress.fields).map(([name, value]) => `${name} ${value}`)];
  const stage = `${progress.stage.padEnd(9)} ${String(percent).padStart(3)} %`;
  const candidates = [
    [stage, counts, ...speed, ...rest],
    [stage, ...speed, ...rest],
    [stage, ...rest],
  ];
  const lines = candidates.map((parts) => parts.join(' · '));
  const shortest = lines.at(-1)!;
  return lines.find((line) => line.length <= width) ?? `${shortest.slice(0, width - 1)}…`;
}

/** 1,234,567 as 1.23M: three significant digits. */
export function short(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let unit = 0;
  let scaled = value;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits =
    unit === 0
      ? Number.isInteger(scaled) || scaled >= 100
        ? 0
        : 1
      : scaled < 9.995
        ? 2
        : scaled < 99.95
          ? 1
          : 0;
  return `${scaled.toFixed(digits)}${units[unit]}`;
}

/** Seconds as 42 s, 3:07 or 2:03:07. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** What a job's stage says, where it works in the terminal's own thread and ends with it. */
export function voiceOf(view: ProgressView): Voice {
  return {
    progress: (progress) => view.show(progress),
    note: (text) => view.line(text),
    stopRequested: () => false,
  };
}

/** What a run says holds names out of others' files: no character of them may steer the terminal. Lines stay lines. */
function printable(text: string): string {
  return text
    .split('\n')
    .map((line) => replaceUnseen(line, codePointName))
    .join('\n');
}
