import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run as validate } from '../../../runner/commands/validate.ts';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { hookOf } from '../../../runner/hook.ts';
import { type LiveRun, writeLive } from '../../../runner/job/release/live.ts';
import { type Live, live } from '../../../runner/report/live.ts';
import { readLive } from '../../../runner/report/live-files.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { writeRelease } from '../../../runner/sae/checkpoints/reference-release.ts';
import { topKSae } from '../../../runner/sae/sae.ts';

const details = { k_aux: 1, alpha_aux: 0, hook_name: 'x', model_name: 'x', tokens_seen: 1, step: 1 };
const sae = topKSae({
  d_in: 128,
  d_sae: 4,
  k: 2,
  W_enc: new Float32Array(512),
  W_dec: new Float32Array(512),
  b_enc: new Float32Array(4),
  b_dec: new Float32Array(128),
});

let folder: string;
let to: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-live-'));
  to = join(folder, 'live');
  for (const id of ['L0', 'L2']) await writeRelease(folder, id, { sae, details });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const runOf = (budget: number | null, reference: string | null = null): LiveRun => ({
  config: { name: 'run', live: { budget }, model: { id: 'small-world', reference } },
  model: { folder: demoModelFolder, revision: null },
  saes: [0, 2].map((layer) => ({
    id: `L${layer}`,
    ...hookOf(layer),
    origin: { kind: 'trained', recipe: {} as never },
  })),
  folder,
  records: [0, 2].map(
    (layer) => ({ id: `run-l${layer}`, sae: { sha256: 'a'.repeat(64) } }) as EvaluationRecord,
  ),
});

const read = async (name: string): Promise<Live> =>
  live.parse(JSON.parse(await readFile(join(to, name), 'utf8')));

describe('files of live pages', () => {
  it('are written once, weights shared, and gone when nobody wants them', async () => {
    expect(await writeLive(to, runOf(null))).toBe(true);
    const [one, other] = [readLive(join(to, 'run-l0.json')), readLive(join(to, 'run-l2.json'))];
    if ('none' in one || 'none' in other) throw new Error('no page');
    expect(one.weights).toEqual(other.weights);
    expect(one.programs.before).not.toEqual(other.programs.before);
    expect(one.programs.encode).toEqual(other.programs.encode);
    expect(await writeLive(to, runOf(null))).toBe(false);
    await writeFile(join(to, 'stray.bin'), 'x');
    expect(await writeLive(to, runOf(null))).toBe(true);
    expect(await writeLive(to, runOf(0))).toBe(true);
    expect(await readdir(folder)).not.toContain('live');
  });

  it('say why there are none beyond the budget; of other models there are none unless asked for', async () => {
    await writeLive(to, runOf(100_000));
    const found = await read('run-l0.json');
    expect(found).toMatchObject({
      none: expect.stringMatching(/take 2\.6. MiB, and live\.budget .* is 97\.7 KiB/),
    });
    expect(await readdir(to)).toEqual(['run-l0.json', 'run-l2.json']);
    expect(await writeLive(to, runOf(null, 'somebody/model'))).toBe(true);
    expect(await readdir(folder)).not.toContain('live');
    await writeLive(to, runOf(16_000_000, 'somebody/model'));
    expect('none' in (await read('run-l0.json'))).toBe(false);
  });

  it('are of SAEs of the residual stream alone', async () => {
    const run = runOf(null);
    await writeLive(to, { ...run, saes: run.saes.map((sae) => ({ ...sae, site: 'mlp_out' as const })) });
    expect(await read('run-l0.json')).toMatchObject({ none: expect.stringContaining('mlp_out:0') });
  });

  it('are believed when they are what they say', async () => {
    await writeLive(to, runOf(null));
    const path = join(to, 'run-l0.json');
    expect(await validate([to])).toBe(0);
    const good = await read('run-l0.json');
    if ('none' in good) throw new Error('no page');
    const file = join(to, `${good.programs.after.sha256}.bin`);
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(1));
    expect(() => readLive(path)).toThrow(/bytes; expected/);
    bytes[100]! ^= 1;
    await writeFile(file, bytes);
    expect(() => readLive(path)).toThrow(/SHA-256/);
    const at = (part: Partial<typeof good>): Promise<void> =>
      writeFile(path, JSON.stringify({ ...good, ...part }));
    await at({ weights: [{ ...good.weights[0]!, path: '../../secret' }] });
    expect(() => readLive(path)).toThrow(/path/);
    await at({ programs: { ...good.programs, after: { sha256: '../x', bytes: 1 } } });
    expect(() => readLive(path)).toThrow(/sha256/);
  });
});
