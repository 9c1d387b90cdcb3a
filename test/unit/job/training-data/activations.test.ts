import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { trainedHooks } from '../../../../runner/config/trained-hooks.ts';
import { demoModelFolder } from '../../../../runner/demo/index.ts';
import { UserError } from '../../../../runner/errors.ts';
import { removeSpilled } from '../../../../runner/job/shared/language-model.ts';
import { openActivationThread } from '../../../../runner/job/training-data/activation-thread.ts';
import {
  type ActivationPass,
  openActivationsHere,
  sharingOf,
} from '../../../../runner/job/training-data/activations.ts';
import { Stopped, silent } from '../../../../runner/reporter.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-activations-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const config = await resolveRun(['small-world-quick'], {});
const place = { folder: demoModelFolder, revision: null };
const hooks = trainedHooks(config);
const run = (memory: number) => ({ config, hooks, place, folder, memory, saes: 0 });

async function passes(memory: number, count: number): Promise<ActivationPass[]> {
  const source = await openActivationsHere(run(memory), undefined, silent);
  const found: ActivationPass[] = [];
  for (let i = 0; i < count; i++) found.push(await source.next());
  await source.close();
  return found;
}

describe('the stream that training reads', () => {
  it('is made beside the steps on the CPU and on CUDA, half the cores each on the CPU', () => {
    expect(sharingOf(null, ['cpu'], 8)).toEqual({ overlap: true, threads: 4 });
    expect(sharingOf(3, ['cpu'], 8)).toEqual({ overlap: true, threads: 3 });
    expect(sharingOf(null, ['cuda:0', 'cuda:1+tf32'], 8)).toEqual({ overlap: true, threads: undefined });
    expect(sharingOf(null, ['webgpu'], 8)).toEqual({ overlap: false, threads: undefined });
    expect(sharingOf(null, ['cuda:0', 'webgpu'], 8)).toEqual({ overlap: false, threads: undefined });
    expect(sharingOf(null, ['cpu'], 1)).toEqual({ overlap: false, threads: undefined });
  });

  it('is told in its thread what was found of a card, which is not checked a second time', async () => {
    const kernels = { full: false, windowed: false, softCapped: false };
    const memory = { free: 1_000_000, total: 2_000_000 };
    const facts = { operationsPerSecond: 1e12, bfloat16PerSecond: null, kernels, bfloat16: null, memory };
    const source = openActivationThread(
      { ...run(1e9), config: { ...config, device: 'cuda:0' }, from: undefined, facts: [['cuda:0', facts]] },
      silent,
    );
    await expect(source.next()).rejects.toThrow(/memory of cuda:0: found 977 KiB/);
    await source.close();
  });

  it('is the same when the language model is larger than memory, and leaves nothing on disk', async () => {
    const { batchTokens } = config.sae;
    // What a batch takes by the arithmetic of runner/lm/memory.ts, and half of the embedded model's 5 MB.
    const batch = 400e6 + 4 * batchTokens * (24 * 128 + 3 * 2048);
    const resident = await passes(1e9, 3);
    const streamed = await passes(batch + 3e6, 3);
    expect(streamed.map(({ position }) => position)).toEqual(resident.map(({ position }) => position));
    expect(streamed).toEqual(resident);
    expect([...resident[0]!.activations.values()].every((x) => x.length === batchTokens * 128)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
    await expect(openActivationsHere(run(batch - 1), undefined, silent)).rejects.toThrow(UserError);
    await expect(openActivationsHere(run(batch + 1e6), undefined, silent)).rejects.toThrow(
      /block 0 alone takes|embedding alone takes/,
    );
  });

  it('leaves what a killed process spilled to the next start', async () => {
    const { batchTokens } = config.sae;
    const batch = 400e6 + 4 * batchTokens * (24 * 128 + 3 * 2048);
    const source = await openActivationsHere(run(batch + 3e6), undefined, silent);
    await source.next();
    expect((await readdir(join(folder, 'spill'))).length).toBeGreaterThan(0);
    await removeSpilled(folder);
    expect(await readdir(folder)).toEqual([]);
    await source.close();
  });

  it.each(['stop', 'end'] as const)(
    'says how far it is while a large model is read, and hears the %s then',
    async (what) => {
      const { batchTokens } = config.sae;
      const batch = 400e6 + 4 * batchTokens * (24 * 128 + 3 * 2048);
      let heard = { done: 0, total: 1 };
      let stop = false;
      let reading: () => void;
      const read = new Promise<void>((resolve) => {
        reading = resolve;
      });
      const notes: string[] = [];
      const source = openActivationThread(
        { ...run(batch + 3e6), from: undefined },
        {
          progress(progress) {
            heard = progress;
            if (progress.done > 0) reading();
          },
          note: (text) => notes.push(text),
          stopRequested: () => stop,
        },
      );
      const pass = source.next();
      pass.catch(() => undefined);
      await read;
      if (what === 'stop') {
        stop = true;
        await expect(pass).rejects.toBeInstanceOf(Stopped);
      }
      await source.close();
      await expect(pass).rejects.toBeInstanceOf(Stopped);
      // It did not read to the end first.
      expect(heard.done).toBeLessThan(heard.total);
      expect(notes).toEqual([
        expect.stringMatching(/^the language model is larger than the memory given: \d+ segments/),
      ]);
      expect(await readdir(folder)).toEqual([]);
    },
  );
});
