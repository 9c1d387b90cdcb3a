import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { run } from '../../../runner/commands/export.ts';
import { UserError } from '../../../runner/errors.ts';
import { loadSae } from '../../../runner/sae/checkpoints/load.ts';
import { writeRelease } from '../../../runner/sae/checkpoints/reference-release.ts';
import { randomSae } from '../sae/support.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/sae/', import.meta.url));
const saes = { L2: randomSae(6, 10, 3, { seed: 2 }), L4_k3: randomSae(6, 10, 3, { seed: 4 }) };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  for (const [id, sae] of Object.entries(saes)) {
    const hook_name = `blocks.${id[1]}.hook_resid_post`;
    const details = { k_aux: 3, alpha_aux: 0, hook_name, model_name: 'lab/tiny', tokens_seen: 1, step: 1 };
    await writeRelease(join(folder, 'run'), id, { sae, details });
  }
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function exported(...args: string[]): Promise<void> {
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  expect(await run(args)).toBe(0);
}

test('every SAE of a run, each in its folder, as SAELens reads it', async () => {
  const to = join(folder, 'all');
  await exported(join(folder, 'run'), '--to', to);
  expect((await readdir(to)).sort()).toEqual(['L2', 'L4_k3']);
  for (const [id, sae] of Object.entries(saes)) {
    const found = await loadSae(join(to, id));
    expect(found.sae).toEqual(sae);
    expect(found.details).toEqual({ model_name: 'lab/tiny', hook_name: `blocks.${id[1]}.hook_resid_post` });
  }
  await expect(run([join(folder, 'run'), '--to', to])).rejects.toThrow(/L2: found an SAE there/);
});

test('one of them, and one of another format, which says no model and no hook', async () => {
  await exported(`${join(folder, 'run')}#layer=4`, '--to', join(folder, 'one'));
  expect((await loadSae(join(folder, 'one'))).sae).toEqual(saes.L4_k3);
  const scope = join(fixtures, 'gemma-scope/plain');
  const to = join(folder, 'scope');
  await expect(run([scope, '--to', to])).rejects.toThrow(/no model/);
  await expect(run([scope, '--to', to, '--model', 'gemma-2-2b'])).rejects.toThrow(/no hook/);
  expect(await readdir(folder)).not.toContain('scope');
  await exported(`${scope}#layer=12`, '--to', to, '--model', 'gemma-2-2b');
  const found = await loadSae(to);
  expect(found.sae).toEqual((await loadSae(scope)).sae);
  expect(found.details.hook_name).toBe('blocks.12.hook_resid_post');
});

test('an AbsTopK SAE is said to become a TopK SAE of twice the latents', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const to = join(folder, 'signed');
  expect(await run([`${fixtures}sae-lens/abstopk#layer=1`, '--to', to, '--model', 'm'])).toBe(0);
  const { sae } = await loadSae(to);
  expect(write.mock.calls.join('')).toMatch(
    new RegExp(`abstopk: each of the ${sae.d_sae / 2} signed latents as two`),
  );
});

test('wrong arguments, and what the layout cannot hold', async () => {
  await expect(run([])).rejects.toThrow(UserError);
  await expect(run([join(folder, 'run')])).rejects.toThrow(/--to FOLDER/);
  await expect(run(['--nonsense'])).rejects.toThrow(UserError);
  const transcoder = `${join(fixtures, 'sparsify/transcoder')}#hook=mlp_in:3>mlp_out:3`;
  const to = join(folder, 'refused');
  const both = [`${join(folder, 'run')}#layer=2`, transcoder];
  for (const names of [[transcoder], both]) {
    await expect(run([...names, '--to', to, '--model', 'm'])).rejects.toThrow(
      /found a topk transcoder, which SAELens does not have;/,
    );
    // Nothing is left that would stand in the way of the next export.
    expect(await readdir(folder)).not.toContain('refused');
  }
  const blocked = join(folder, 'blocked');
  await writeFile(blocked, '');
  await expect(run([`${join(folder, 'run')}#layer=2`, '--to', join(blocked, 'x')])).rejects.toThrow();
});
