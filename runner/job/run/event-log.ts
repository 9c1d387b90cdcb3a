/** The training log as TensorBoard's event files: a folder for each SAE, which TensorBoard shows as a run of its own. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileStart, readScalars, type ScalarEvent, scalarRecord } from '../../formats/tfevents.ts';
import { writeAtomic } from '../../io/write-atomic.ts';
import type { TrajectoryPoint } from '../../report/schema.ts';

export interface EventLog {
  /** Called when a point is logged: a reader sees it at once. A point that is there already is not written again. */
  add(id: string, point: TrajectoryPoint): void;
  close(): void;
}

/** Below the run's folder. */
export const EVENTS_FOLDER = 'tensorboard';

/**
 * Goes on with the files of a run, or begins them. What they then hold are the points of the state that training goes on
 * from: those that a killed process wrote after it are taken out, and those that are missing, as in a run that is resumed
 * on another machine, are put in.
 *
 * @param points of each SAE, by its id, as far as it is trained
 * @param now seconds since 1970
 */
export async function openEventLog(
  folder: string,
  points: ReadonlyMap<string, readonly TrajectoryPoint[]>,
  now: () => number = () => Date.now() / 1000,
): Promise<EventLog> {
  const open = new Map<string, { file: number; last: number }>();
  const close = (): void => {
    for (const { file } of open.values()) closeSync(file);
    open.clear();
  };
  try {
    for (const [id, logged] of points) {
      const path = await rewritten(join(folder, EVENTS_FOLDER, id), logged, now());
      open.set(id, { file: openSync(path, 'a'), last: stepOf(logged.at(-1)) });
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    add(id, point) {
      const log = open.get(id);
      if (log === undefined) throw new RangeError(`no event log of ${id}`);
      if (stepOf(point) <= log.last) return;
      log.last = stepOf(point);
      writeSync(log.file, Buffer.concat(eventsOf(point, now()).map(scalarRecord)));
    },
    close,
  };
}

/** One new file in place of those that are there: a reader that follows the old one goes on to it. @returns its path */
async function rewritten(folder: string, points: readonly TrajectoryPoint[], now: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const names = (await readdir(folder)).filter((name) => name.includes('.tfevents.')).sort();
  /** When each step was logged. */
  const known = new Map<number, number>();
  for (const name of names) {
    for (const { step, time } of readScalars(await readFile(join(folder, name))) ?? []) known.set(step, time);
  }
  const times = timesOf(points, known, now);
  const records = points.flatMap((point, i) => eventsOf(point, times[i]!).map(scalarRecord));
  // Names sort by their time: the newest is the last one that a reader comes to.
  const before = Math.max(0, ...names.map((each) => Number(/\.tfevents\.(\d{1,10})\./.exec(each)?.[1] ?? 0)));
  const name = `events.out.tfevents.${String(Math.max(Math.floor(now), before + 1)).padStart(10, '0')}.interpboard`;
  await writeAtomic(join(folder, name), Buffer.concat([fileStart(times[0] ?? now), ...records]));
  for (const other of names) await rm(join(folder, other), { force: true });
  return join(folder, name);
}

/** Times of points: as they were logged, or where no file says it counted back from the next by the rate that was measured. */
function timesOf(
  points: readonly TrajectoryPoint[],
  known: ReadonlyMap<number, number>,
  now: number,
): number[] {
  const times = new Array<number>(points.length);
  let next = { time: now, tokens: points.at(-1)?.tokens ?? 0, rate: 0 };
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i]!;
    const { tokens, tokens_per_second: rate = 0 } = point;
    const passed = next.rate > 0 ? (next.tokens - tokens) / next.rate : 0;
    const time = known.get(stepOf(point)) ?? next.time - passed;
    times[i] = time;
    next = { time, tokens, rate };
  }
  return times;
}

/** Points of a trainer say their step; those of other programs may not. */
function stepOf(point: TrajectoryPoint | undefined): number {
  return point?.step ?? 0;
}

/** Every number of a point under its own name. */
function eventsOf(point: TrajectoryPoint, time: number): ScalarEvent[] {
  const { step: _, ...values } = point;
  const step = stepOf(point);
  return Object.entries(values).flatMap(([tag, value]) =>
    typeof value === 'number' ? [{ tag, value, step, time }] : [],
  );
}
