/** Held to transformers' own norms and heads (test/fixtures/lm/make_readout.py). */
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import { openReadout } from '../../../runner/lm/readout.ts';

const folder = (name: string): string => fileURLToPath(new URL(`../../fixtures/lm/${name}`, import.meta.url));
const golden = JSON.parse(readFileSync(folder('readout.json'), 'utf8')) as Record<
  string,
  { directions: number[][]; effects: number[][] }
>;
const MOST = 7;

describe.each(Object.entries(golden))('readout of %s', (name, { directions, effects }) => {
  it.each([
    ['whole', undefined],
    ['in parts, some of them narrower than what is asked for', 6],
  ])('is that of the last norm, its size held at 1, and of the head, %s', async (_, tile) => {
    const checkpoint = await openCheckpoint(folder(name));
    const readout = await openReadout(checkpoint, familyOf(checkpoint), {
      most: MOST,
      ...(tile !== undefined && { tile }),
    });
    const found = await readout.effects(Float32Array.from(directions.flat()));
    await readout.close();
    for (const [i, { raised, lowered }] of found.entries()) {
      const scale = Math.max(...effects[i]!.map(Math.abs));
      const ascending = effects[i]!.map((value, id) => ({ value, id })).sort((a, b) => a.value - b.value);
      for (const [ours, theirs] of [
        [raised, ascending.toReversed().slice(0, MOST)],
        [lowered, ascending.slice(0, MOST)],
      ] as const) {
        expect([...ours.ids]).toEqual(theirs.map(({ id }) => id));
        ours.values.forEach((value, place) => {
          expect(Math.abs(value - theirs[place]!.value)).toBeLessThan(1e-5 * scale);
        });
      }
    }
  });
});

test('the weights are found where links lead, as in the cache of the hub', async () => {
  const at = await mkdtemp(join(tmpdir(), 'interpboard-readout-'));
  try {
    await mkdir(join(at, 'blobs'));
    await mkdir(join(at, 'snapshot'));
    await cp(join(folder('gpt2'), 'config.json'), join(at, 'snapshot/config.json'));
    await cp(join(folder('gpt2'), 'model.safetensors'), join(at, 'blobs/0123'));
    await symlink(join('..', 'blobs', '0123'), join(at, 'snapshot/model.safetensors'));
    const checkpoint = await openCheckpoint(join(at, 'snapshot'));
    const readout = await openReadout(checkpoint, familyOf(checkpoint), { most: 1 });
    const [found] = await readout.effects(Float32Array.from(golden.gpt2!.directions[0]!));
    await readout.close();
    expect(found!.raised.values[0]).toBeCloseTo(Math.max(...golden.gpt2!.effects[0]!), 4);
  } finally {
    await rm(at, { recursive: true, force: true });
  }
});
