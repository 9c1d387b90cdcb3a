import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { fromFloat32, toFloat32 } from '../../../runner/formats/number-types.ts';
import { spillStore } from '../../../runner/lm/spill-store.ts';

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'interpboard-spill-'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

const numbers = (seed: number): Float32Array =>
  Float32Array.from({ length: 50 }, (_, i) => Math.sin(seed + i) * 1e3);

describe('a store that spills', () => {
  it('keeps what fits in memory, the rest on disk, and gives every bit back', async () => {
    const folder = join(parent, 'exact');
    const store = await spillStore({ folder, memory: 2 * 50 * 4 });
    for (let i = 0; i < 5; i++) await store.put(`${i}`, numbers(i));
    expect(await readdir(folder)).toHaveLength(3);
    for (const i of [4, 0, 2, 1, 3]) expect(await store.take(`${i}`)).toEqual(numbers(i));
    expect(await readdir(folder)).toEqual([]);
    // What was taken makes room again.
    await store.put('again', numbers(9));
    expect(await readdir(folder)).toEqual([]);
    await store.close();
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
  });

  it('writes bfloat16 when asked to, rounded to nearest', async () => {
    const folder = join(parent, 'rounded');
    const store = await spillStore({ folder, memory: 0, type: 'BF16' });
    const values = numbers(1);
    await store.put('x', values.slice());
    const [file] = await readdir(folder);
    expect((await readFile(join(folder, file!))).byteLength).toBe(100);
    const back = await store.take('x');
    back.forEach((value, i) => {
      expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(Math.abs(values[i]!) * 2 ** -8);
    });
    expect(back).not.toEqual(values);
    await store.close();
  });

  it('empties a folder that a killed process left', async () => {
    const folder = join(parent, 'left');
    await (await spillStore({ folder, memory: 0 })).put('x', numbers(3));
    const next = await spillStore({ folder, memory: 0 });
    expect(await readdir(folder)).toEqual([]);
    await next.close();
  });

  it('notices damage: a bit, a length, a file gone', async () => {
    const folder = join(parent, 'damage');
    const store = await spillStore({ folder, memory: 0 });
    for (const key of ['bit', 'length', 'gone']) await store.put(key, numbers(5));
    const [bit, length, gone] = [0, 1, 2].map((i) => join(folder, `${i}.residual`)) as [
      string,
      string,
      string,
    ];
    const bytes = await readFile(bit);
    bytes[17]! ^= 4;
    await writeFile(bit, bytes);
    await writeFile(length, bytes.subarray(1));
    await rm(gone);
    await expect(store.take('bit')).rejects.toThrow('another checksum');
    await expect(store.take('length')).rejects.toThrow('199 of 200 bytes');
    await expect(store.take('gone')).rejects.toThrow(UnavailableError);
    await store.close();
  });
});

describe('bfloat16', () => {
  it('rounds half to even, and keeps zeros, infinities and NaN', () => {
    const cases: [number, number][] = [
      [1, 1],
      [1 + 2 ** -8, 1], // half-way, down to even
      [1 + 3 * 2 ** -8, 1 + 2 ** -6], // half-way, up to even
      [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
      [-0, -0],
      [3.4028234663852886e38, Number.POSITIVE_INFINITY],
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ];
    const bytes = fromFloat32(
      'BF16',
      Float32Array.from(cases, ([value]) => value),
    );
    expect([...toFloat32('BF16', bytes)]).toEqual(cases.map(([, rounded]) => rounded));
    const odd = new Float32Array(Uint32Array.of(0x7f800001).buffer);
    expect(toFloat32('BF16', fromFloat32('BF16', odd))[0]).toBeNaN();
  });
});
