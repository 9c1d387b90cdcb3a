/** Which of a run's results are kept for others: none that would differ where memory does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { demoModelFolder } from '../../../../runner/demo/model-folder.ts';
import { keepingOf, openCachedResults } from '../../../../runner/job/run/kept-results.ts';
import { silent } from '../../../../runner/reporter.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kept-results-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const identity = { trained: 'a', evaluated: 'b', model: 'c' };
const model = { folder: demoModelFolder, revision: null };
const cacheOf = () => ({
  folder: join(folder, 'results'),
  activations: join(folder, 'activations'),
  limit: 1e6,
});
const configOf = (...set: string[]) => resolveRun(['small-world-quick'], { set });

it('activations are kept where the run asks for it, and says why not where they cannot be', async () => {
  const notes: string[] = [];
  const voice = { ...silent, note: (text: string) => notes.push(text) };
  const kept = async (
    gigabytes: number,
    spill: string,
    cache: ReturnType<typeof cacheOf> | null = cacheOf(),
  ) => {
    const config = await configOf(`training.activations.gigabytes=${gigabytes}`, `spill=${spill}`);
    return keepingOf({ cache, identity, config, model }, voice);
  };
  expect(await kept(2, 'float32')).toMatchObject({ folder: cacheOf().activations, limit: 2e9, model: 'c' });
  expect(await kept(0, 'bfloat16')).toBeUndefined();
  expect(notes).toEqual([]);
  expect(await kept(2, 'bfloat16')).toBeUndefined();
  expect(await kept(2, 'float32', null)).toBeUndefined();
  expect(notes).toEqual([
    'activations are not kept: with spill bfloat16 they depend on what memory holds',
    'activations are not kept: --cache off',
  ]);
});

it('cached results are of one memory where residuals that wait are rounded, and of any where they are not', async () => {
  const of = async (spill: string, memory: number) => {
    const found = await openCachedResults({
      cache: cacheOf(),
      identity,
      config: await configOf(`spill=${spill}`),
      memory,
    });
    return found!.identity;
  };
  expect(await of('float32', 1e9)).toBe(await of('float32', 2e9));
  expect(await of('bfloat16', 1e9)).toBe(await of('bfloat16', 1e9));
  expect(await of('bfloat16', 1e9)).not.toBe(await of('bfloat16', 2e9));
  expect(await of('bfloat16', 1e9)).not.toBe(await of('float32', 1e9));
});
