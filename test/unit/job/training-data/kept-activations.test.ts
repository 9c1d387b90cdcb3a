import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type {
  ActivationPass,
  ActivationSource,
} from '../../../../runner/job/training-data/activation-source.ts';
import {
  type Keeping,
  keptActivations,
  rounded,
} from '../../../../runner/job/training-data/kept-activations.ts';
import { Stopped } from '../../../../runner/reporter.ts';
import { startOfMixture } from '../../../../runner/text/mixture.ts';
import { type PackingPosition, startOfPacking } from '../../../../runner/text/packing.ts';
import { gaussians } from '../../train/support.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'interpboard-kept-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const VALUES = 1_000;
const KEPT = 'activations are kept for later runs over the same text, model and hooks';

/** The n-th pass is the same whoever makes it. */
function pass(n: number): ActivationPass {
  const position = { ...startOfPacking(startOfMixture([], 1)), rows: n + 1, carried: [n] };
  return {
    position,
    activations: new Map(['L0', 'L1'].map((hook) => [hook, gaussians(VALUES, hook, n)])),
  };
}

/** Passes from a store, and from which position the model was opened, if it was. */
async function read(
  keeping: Keeping,
  count: number,
  {
    type = 'F32',
    from,
    stop = false,
  }: { type?: 'F32' | 'BF16'; from?: PackingPosition; stop?: boolean } = {},
) {
  const opened: number[] = [];
  const notes: string[] = [];
  const open = async (position: PackingPosition | undefined): Promise<ActivationSource> => {
    let next = position?.rows ?? 0;
    opened.push(next);
    return { next: async () => pass(next++), close: async () => undefined };
  };
  const voice = { note: (text: string) => void notes.push(text), stopRequested: () => stop };
  const source = await keptActivations(keeping, type, from, open, voice);
  try {
    const passes: ActivationPass[] = [];
    for (let i = 0; i < count; i++) passes.push(await source.next());
    return { passes, opened, notes };
  } finally {
    await source.close();
  }
}

function keeping(name: string, over: Partial<Keeping> = {}): Keeping {
  return { folder: join(root, name), limit: 1e9, program: 'this', stream: 'text', ...over };
}

const expected = (count: number): ActivationPass[] => Array.from({ length: count }, (_, n) => pass(n));

it('what one run made the next reads, to the bit, and makes what is not there', async () => {
  const first = await read(keeping('plain'), 3);
  expect(first).toEqual({ passes: expected(3), opened: [0], notes: [KEPT] });
  const second = await read(keeping('plain'), 5);
  expect(second.passes).toEqual(expected(5));
  expect(second.opened).toEqual([3]);
  expect(second.notes).toEqual(['activations that an earlier run kept are read', KEPT]);
  const resumed = await read(keeping('plain'), 2, { from: pass(1).position });
  expect(resumed).toMatchObject({ passes: expected(4).slice(2), opened: [] });
  // Its arrays are its own: they may be given to another thread.
  for (const { activations } of resumed.passes) {
    for (const x of activations.values()) expect(x.buffer.byteLength).toBe(4 * VALUES);
  }
});

it.each([
  ['another stream', { stream: 'other text' }],
  ['another program', { program: 'another' }],
])('of %s nothing is taken', async (_, over) => {
  await read(keeping('foreign'), 2);
  expect((await read(keeping('foreign', over), 2)).opened).toEqual([0]);
});

it('damaged passes, and others under their name, are noticed and made again', async () => {
  const place = keeping('damaged');
  await read(place, 1);
  const [name] = await readdir(place.folder);
  const file = join(place.folder, name!);
  const whole = await readFile(file);
  const foreign = keeping('damaged-foreign', { stream: 'other text' });
  await read(foreign, 1);
  const other = await readFile(join(foreign.folder, (await readdir(foreign.folder))[0]!));
  const flipped = Buffer.from(whole);
  flipped[whole.length - 9]! ^= 1;
  for (const bytes of [
    flipped,
    whole.subarray(0, whole.length - 4),
    whole.subarray(0, 10),
    Buffer.alloc(0),
  ]) {
    await writeFile(file, bytes);
    const again = await read(place, 1);
    expect(again.passes).toEqual(expected(1));
    expect(again.opened).toEqual([0]);
    expect(again.notes).toEqual(['kept activations are damaged: from there on they are made again', KEPT]);
  }
  expect((await read(place, 1)).opened).toEqual([]);
  // What a killed process left is under another name.
  await writeFile(`${file}.tmp-1-1`, whole.subarray(0, 100));
  expect((await read(place, 1)).passes).toEqual(expected(1));
  expect(other.equals(whole)).toBe(true);
});

it('bfloat16 takes half the room, and rounds what is made as what is read', async () => {
  const made = await read(keeping('half'), 2, { type: 'BF16' });
  const again = await read(keeping('half'), 2, { type: 'BF16' });
  expect(again.opened).toEqual([]);
  expect(made.passes).toEqual(expected(2).map((each) => rounded(each, 'BF16')));
  expect(again.passes).toEqual(made.passes);
  expect(made.passes).not.toEqual(expected(2));
  await read(keeping('full'), 2);
  const [half, full] = [await bytesIn('half'), await bytesIn('full')];
  expect(half).toBeLessThan(0.6 * full);
});

it('stays within its bound: one run fills half of it, and what was read longest ago goes', async () => {
  const place = keeping('bound', { limit: 10 * 8_400 });
  // From the first pass that has no place on none is kept: behind a hole nothing would be read.
  const { notes } = await read(place, 20);
  expect(notes).toEqual([
    KEPT,
    'a run keeps half of training.activations.gigabytes at most: further activations are not kept',
  ]);
  expect(await bytesIn('bound')).toBeLessThanOrEqual(place.limit / 2);
  expect((await read(place, 5)).opened).toEqual([]);
  for (const stream of ['a', 'b', 'c']) await read({ ...place, stream }, 20);
  expect(await bytesIn('bound')).toBeLessThanOrEqual(place.limit);
  expect((await read({ ...place, stream: 'c' }, 3)).opened).toEqual([]);
});

it('stops when it is asked to, also where it only reads', async () => {
  await read(keeping('stopped'), 2);
  await expect(read(keeping('stopped'), 2, { stop: true })).rejects.toBeInstanceOf(Stopped);
});

async function bytesIn(name: string): Promise<number> {
  let sum = 0;
  for (const file of await readdir(join(root, name))) sum += (await stat(join(root, name, file))).size;
  return sum;
}
