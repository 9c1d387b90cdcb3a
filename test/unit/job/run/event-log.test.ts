/** Event files of a run that is stopped, killed and gone on with elsewhere: every point once, at its time. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readScalars } from '../../../../runner/formats/tfevents.ts';
import { EVENTS_FOLDER, openEventLog } from '../../../../runner/job/run/event-log.ts';
import type { TrajectoryPoint } from '../../../../runner/report/schema.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-events-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const point = (step: number): TrajectoryPoint => ({
  step,
  tokens: 100 * step,
  var_exp: null,
  loss: 1 / step,
  dead: 0,
  tokens_per_second: 50,
});

/** A clock that shows one second more each time it is looked at. */
function clock(from: number): () => number {
  let time = from;
  return () => time++;
}

async function scalarsOf(id: string) {
  const names = await readdir(join(folder, EVENTS_FOLDER, id));
  expect(names).toHaveLength(1);
  return readScalars(await readFile(join(folder, EVENTS_FOLDER, id, names[0]!)))!;
}

const lossOf = async (id: string) =>
  (await scalarsOf(id)).filter(({ tag }) => tag === 'loss').map(({ step, time }) => [step, time]);

it('a point is there as soon as it is logged, every number under its name', async () => {
  const log = await openEventLog(
    folder,
    new Map([
      ['L2', []],
      ['L4', []],
    ]),
    clock(1000),
  );
  log.add('L2', point(1));
  expect(await scalarsOf('L2')).toEqual([
    { tag: 'tokens', value: 100, step: 1, time: 1002 },
    { tag: 'loss', value: 1, step: 1, time: 1002 },
    { tag: 'dead', value: 0, step: 1, time: 1002 },
    { tag: 'tokens_per_second', value: 50, step: 1, time: 1002 },
  ]);
  expect(await scalarsOf('L4')).toEqual([]);
  log.add('L2', point(1));
  expect(await lossOf('L2')).toEqual([[1, 1002]]);
  expect(() => log.add('L9', point(1))).toThrow(RangeError);
  log.close();
});

it('points of a killed process that its state has not are taken out, the others keep their times', async () => {
  const killed = await openEventLog(folder, new Map([['L2', []]]), clock(1000));
  for (const step of [1, 2, 5, 10]) killed.add('L2', point(step));
  killed.close();
  // A record that was not written whole.
  const [name = ''] = await readdir(join(folder, EVENTS_FOLDER, 'L2'));
  await writeFile(join(folder, EVENTS_FOLDER, 'L2', name), Buffer.from([1, 2, 3]), { flag: 'a' });
  const resumed = await openEventLog(folder, new Map([['L2', [point(1), point(2)]]]), clock(1000));
  expect(await lossOf('L2')).toEqual([
    [1, 1001],
    [2, 1002],
  ]);
  resumed.add('L2', point(5));
  resumed.close();
  expect((await lossOf('L2')).map(([step]) => step)).toEqual([1, 2, 5]);
  // A reader goes on to the newest file: it sorts behind the one that it follows, though the clock says no later.
  const [next = ''] = await readdir(join(folder, EVENTS_FOLDER, 'L2'));
  expect(next > name).toBe(true);
});

it('points of another machine are put in, with times by the rate at which they were made', async () => {
  const log = await openEventLog(folder, new Map([['L2', [point(1), point(2), point(5)]]]), clock(1000));
  expect(await lossOf('L2')).toEqual([
    [1, 992],
    [2, 994],
    [5, 1000],
  ]);
  log.close();
});

it('files of others in the folder are no points, and go', async () => {
  await openEventLog(folder, new Map([['L2', []]]), clock(1000)).then((log) => log.close());
  await writeFile(join(folder, EVENTS_FOLDER, 'L2', 'events.out.tfevents.9.other'), 'not one');
  const log = await openEventLog(folder, new Map([['L2', [point(1)]]]), clock(1000));
  log.close();
  expect(await lossOf('L2')).toEqual([[1, 1000]]);
});
