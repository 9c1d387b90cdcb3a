import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listPresets, resolveRun } from '../../../runner/config/resolve.ts';
import { describeFields, runConfig } from '../../../runner/config/run-config.ts';
import { UserError } from '../../../runner/errors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('resolveRun', () => {
  it('resolves every preset', async () => {
    for (const preset of await listPresets()) expect((await resolveRun([preset], {})).name).toBe(preset);
  });

  it('lets a config file replace the preset, and flags the file', async () => {
    const path = join(folder, 'mine.json');
    await writeFile(path, JSON.stringify({ sae: { k: 8, dSae: 512 }, layers: [1] }));
    const config = await resolveRun([], {
      config: path,
      set: ['sae.k=12', 'training.tokens=4096'],
      name: 'mine',
      threads: '2',
    });
    expect(config).toMatchObject({
      name: 'mine',
      layers: [1],
      threads: 2,
      sae: { k: 12, dSae: 512 },
      training: { tokens: 4096 },
    });
    // What nobody named stays the preset's.
    expect(config.corpus.rowTokens).toBe((await resolveRun([], {})).corpus.rowTokens);
  });

  it.each([
    ['an unknown preset', ['nope'], {}, /preset: found "nope"; expected one of .*small-world/],
    ['two presets', ['a', 'b'], {}, /one preset at most/],
    ['a key that the schema does not know', [], { set: ['sae.topk=3'] }, /setting sae: .*topk/],
    ['a prototype key', [], { set: ['__proto__.a=1'] }, /--set/],
    ['a value out of range', [], { set: ['sae.k=0'] }, /setting sae\.k/],
    ['k above dSae', [], { set: ['sae.k=5000'] }, /setting sae\.k/],
    [
      'equal seeds of training and evaluation',
      [],
      { set: ['corpus.heldoutSeed=42'] },
      /heldoutSeed.*other than trainSeed/,
    ],
    ['a batch that rows do not fill', [], { set: ['sae.batchTokens=1000'] }, /multiple of corpus.rowTokens/],
    ['a name that is a path', [], { name: '../evil' }, /setting name/],
    ['layers that are not numbers', [], { layers: '0,x' }, /setting layers/],
    ['a setting without a value', [], { set: ['sae.k'] }, /path=value/],
  ] as const)('refuses %s', async (_name, positionals, flags, message) => {
    const error = await resolveRun([...positionals], { ...flags }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
  });

  it('refuses a __proto__ key in a file without following it', async () => {
    const path = join(folder, 'proto.json');
    await writeFile(path, '{"__proto__": {"name": "polluted"}}');
    await expect(resolveRun([], { config: path })).rejects.toThrow(/__proto__/);
    expect(({} as Record<string, unknown>).name).toBeUndefined();
  });
});

describe('describeFields', () => {
  it('has words for every setting', () => {
    const fields = describeFields(runConfig);
    expect(fields.map(({ path }) => path)).toContain('sae.deadThresholdTokens');
    expect(fields.filter(({ text }) => text === '')).toEqual([]);
  });
});
