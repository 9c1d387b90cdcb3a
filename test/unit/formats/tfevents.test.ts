/** Against a file that PyTorch's SummaryWriter wrote: test/fixtures/tensorboard. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fileStart, readScalars, type ScalarEvent, scalarRecord } from '../../../runner/formats/tfevents.ts';

const fixture = (name: string) =>
  readFileSync(new URL(`../../fixtures/tensorboard/${name}`, import.meta.url));
const file = fixture('scalars.tfevents');
const points: ScalarEvent[] = JSON.parse(fixture('scalars.json').toString('utf8')).points;

/** Where the records of a file begin, and its end. */
function places(data: Buffer): number[] {
  const found = [0];
  for (let at = 0; at < data.length; found.push(at)) at += 16 + Number(data.readBigUInt64LE(at));
  return found;
}

it('scalars are written byte for byte as SummaryWriter writes them', () => {
  const at = places(file);
  expect(at).toHaveLength(points.length + 2);
  expect(points.map(scalarRecord)).toEqual(points.map((_, i) => file.subarray(at[i + 1], at[i + 2])));
});

it('a file begins with its version, as SummaryWriter’s does but for the name of the writer', () => {
  const [, end] = places(file);
  const theirs = file.subarray(0, end).toString('latin1');
  const time = file.readDoubleLE(13);
  const ours = fileStart(time);
  expect(ours.subarray(12, -4)).toEqual(file.subarray(12, 12 + ours.length - 16));
  expect(theirs).toContain('brain.Event:2');
});

it('a file of SummaryWriter is read back', () => {
  expect(readScalars(file)).toEqual(points.map((each) => ({ ...each, value: Math.fround(each.value) })));
});

it('what was not written whole, or is damaged, ends a file; what is none says so', () => {
  const [, , second, third] = places(file);
  expect(readScalars(file.subarray(0, third! - 1))).toHaveLength(1);
  const damaged = Buffer.from(file);
  damaged[second! + 20]! ^= 1;
  expect(readScalars(damaged)).toHaveLength(1);
  const long = Buffer.from(file);
  long.writeBigUInt64LE(2n ** 60n, second!);
  expect(readScalars(long)).toHaveLength(1);
  expect(readScalars(Buffer.alloc(0))).toBeNull();
  expect(readScalars(Buffer.from('{"a": 1}, a file of another kind'))).toBeNull();
  expect(readScalars(scalarRecord(points[0]!))).toBeNull();
});

it('a step of 0 is one', () => {
  const first = { tag: 'loss', value: 1, step: 0, time: 5 };
  expect(readScalars(Buffer.concat([fileStart(5), scalarRecord(first)]))).toEqual([first]);
});
