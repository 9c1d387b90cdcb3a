/** Hooks inside blocks, against transformers' own modules: what is there, and what the model does when it is replaced. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../../runner/errors.ts';
import { readFloats, readSafetensors } from '../../../runner/formats/safetensors.ts';
import { type Hook, hookName, hookOf, orderedHooks, sites } from '../../../runner/hook.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import type { TokenBatch } from '../../../runner/lm/language-model.ts';
import type { Observer } from '../../../runner/lm/observer.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { partsOf } from '../../../runner/lm/parts.ts';
import { sweep } from '../../../runner/lm/sweep.ts';
import { HALF_STEP, SPREADS } from './golden.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));
const reporter = { progress: () => undefined, note: () => undefined, stopRequested: () => false };

const golden = z
  .object({
    kept: z.array(z.tuple([z.int(), z.int()])),
    folders: z.record(
      z.string(),
      z.object({
        ids: z.array(z.array(z.int())),
        hooks: z.array(z.object({ hook: z.string(), spread: z.record(z.string(), z.number()) })),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(`${fixtures}hooks.json`, 'utf8')));

const tensors = await withFile(`${fixtures}hooks.safetensors`, async (source) => {
  const file = await readSafetensors(source);
  const found = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) found.set(name, await readFloats(source, file, name));
  return found;
});

function parsed(name: string): Hook {
  const [site, layer] = name.split(':');
  return { site: sites.find((each) => each === site)!, layer: Number(layer) };
}

function batchOf(ids: readonly (readonly number[])[]): TokenBatch {
  return { ids: Int32Array.from(ids.flat()), rows: ids.length, tokens: ids[0]!.length };
}

/** Everything at some hooks of a model: activations, and losses with them scaled and zeroed. */
async function observed(folder: string, hooks: readonly Hook[], options: { memory?: number } = {}) {
  const { ids } = golden.folders[folder]!;
  const batch = batchOf(ids);
  const model = await openLanguageModel(await openCheckpoint(`${fixtures}${folder}`), { hooks, ...options });
  const found = new Map<string, Float32Array>();
  const observer: Observer = {
    async see({ hook, residual }) {
      const name = hookName(model.hooks[hook]!);
      found.set(name, residual.slice());
      const scaled = residual.map((value) => 0.75 * value);
      return [{ residual: scaled, ended: ({ nll }) => found.set(`${name} scaled`, nll) }];
    },
    seen(hook) {
      const name = hookName(model.hooks[hook]!);
      const width = found.get(name)!.length / batch.ids.length;
      return [{ vector: new Float32Array(width), ended: ([nll]) => found.set(`${name} zero`, nll!) }];
    },
  };
  await sweep(model, [batch], [observer], { reporter });
  const direct = await model.residuals(batch);
  for (const [i, hook] of model.hooks.entries()) expect(direct[i]).toEqual(found.get(hookName(hook)));
  const { resident } = model;
  await model.close();
  return { found, batch, resident };
}

describe('at every hook of every family', () => {
  it.each(Object.keys(golden.folders))('%s', async (folder) => {
    const { hooks } = golden.folders[folder]!;
    const { found, batch } = await observed(
      folder,
      hooks.map(({ hook }) => parsed(hook)),
    );
    let worst = 0;
    for (const { hook, spread } of hooks) {
      const value = found.get(hook)!;
      const width = value.length / batch.ids.length;
      const kept = golden.kept.flatMap(([row, token]) => {
        const from = (row * batch.tokens + token) * width;
        return [...value.subarray(from, from + width)];
      });
      const compare = (mine: ArrayLike<number>, name: string, bound: number): void => {
        const theirs = tensors.get(`${folder}.${name}`)!;
        expect(mine.length, name).toBe(theirs.length);
        for (let i = 0; i < theirs.length; i++) {
          const away = Math.abs(mine[i]! - theirs[i]!) / (bound + Math.abs(theirs[i]!) * HALF_STEP);
          if (!(away <= SPREADS)) throw new Error(`${folder} ${name}: ${away} spreads at ${i}`);
          worst = Math.max(worst, away);
        }
      };
      compare(kept, hook, spread.value!);
      for (const change of ['scaled', 'zero'] as const) {
        if (spread[change] === undefined) continue;
        const nll = found.get(`${hook} ${change}`)!;
        // The last token of a row predicts none.
        const predictions = [...nll].filter((_, i) => i % batch.tokens < batch.tokens - 1);
        compare(predictions, `${hook} ${change}`, spread[change]);
      }
    }
    console.log(`${folder}: ${worst.toFixed(2)} spreads`);
  });
});

it.each(['gemma3', 'gemma4-small', 'gemma3n'])(
  'segments that are loaded in turn give the same at hooks inside blocks: %s',
  async (folder) => {
    const hooks = golden.folders[folder]!.hooks.map(({ hook }) => parsed(hook));
    const checkpoint = await openCheckpoint(`${fixtures}${folder}`);
    const parts = partsOf(checkpoint, familyOf(checkpoint));
    const sizes = [parts.embedding, parts.head, ...parts.blocks].map((part) =>
      [...part.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    );
    const resident = await observed(folder, hooks);
    const inTurn = await observed(folder, hooks, { memory: Math.max(...sizes) });
    expect([resident.resident, inTurn.resident]).toEqual([true, false]);
    expect(inTurn.found).toEqual(resident.found);
  },
);

it.each([
  ['from the hook on, of a model held whole', true, {}, 3],
  [
    'again, of one held whole, where there is no room for what stands beside the hook',
    true,
    { beside: 0 },
    4,
  ],
  ['again, of one loaded in parts, a batch at a time', false, {}, 4],
  ['beside what is seen, of one loaded in parts, all text at a time', false, { together: 3 }, 3],
] as const)(
  'ablations inside a block take their observer’s batches through the model %s, and no others',
  async (name, resident, sweeping, passesUpToHook) => {
    const { ids } = golden.folders.llama!;
    const batch = batchOf(ids);
    const hook: Hook = { layer: 1, site: 'mlp_out' };
    const model = await openLanguageModel(await openCheckpoint(`${fixtures}llama`), { hooks: [hook] });
    let advanced = 0;
    const counting = {
      ...model,
      resident,
      advance(...given: Parameters<typeof model.advance>) {
        advanced++;
        return model.advance(...given);
      },
    };
    const found: (Float32Array | undefined)[] = [];
    const passes = new Set<string | undefined>();
    const ablated: Observer = {
      part: { from: 1, to: 2 },
      seen: () => [{ vector: new Float32Array(model.dModel), ended: (nll) => found.push(...nll) }],
    };
    const options = {
      ...sweeping,
      reporter: {
        ...reporter,
        progress: (_done: number, _total: number, fields: Readonly<Record<string, string>> = {}) =>
          void passes.add(fields.pass),
      },
    };
    await sweep(counting, [batch, batch, batch], [ablated, { clean: () => undefined }], options);
    await model.close();
    expect(found).toHaveLength(1);
    expect(found[0]).toHaveLength(batch.ids.length);
    expect(advanced).toBe(passesUpToHook);
    expect([...passes]).toEqual(name.startsWith('beside') ? [undefined] : [undefined, 'ablations']);
  },
);

it.each([
  ['resid_post:0', 'llama'],
  ['mlp_out:0', 'llama'],
  // Of which more than the residual travels.
  ['resid_post:2', 'gemma4-small'],
  ['resid_post:4', 'gemma3n'],
])('some rows of a batch go on from %s of %s as they do among all of them', async (name, folder) => {
  const model = await openLanguageModel(await openCheckpoint(`${fixtures}${folder}`), {
    hooks: [parsed(name)],
  });
  const [rows, tokens] = [4, 7];
  const batch: TokenBatch = {
    ids: Int32Array.from({ length: rows * tokens }, (_, i) => (i * 37 + 5) % 101),
    rows,
    tokens,
    lengths: Int32Array.of(7, 3, 7, 5),
    documents: Int32Array.of(0, 0, 1, 2),
  };
  const found = new Map<string, Float32Array>();
  const asked = [3, 1];
  const observer: Observer = {
    async see({ residual }) {
      const all = residual.map((value) => value / 2);
      const width = all.length / rows;
      const some = asked.flatMap((row) => [...all.subarray(row * width, (row + 1) * width)]);
      return [
        { residual: all, ended: ({ nll }) => found.set('all', nll.slice()) },
        {
          residual: Float32Array.from(some),
          rows: asked,
          ended: ({ nll }) => found.set('some', nll.slice()),
        },
      ];
    },
  };
  await sweep(model, [batch], [observer], { reporter });
  await model.close();
  const of = (row: number): Float32Array => found.get('all')!.subarray(row * tokens, (row + 1) * tokens);
  const expected = asked.flatMap((row) => [...of(row)]);
  expect(found.get('some')!.length).toBe(expected.length);
  found.get('some')!.forEach((nll, i) => {
    expect(nll).toBeCloseTo(expected[i]!, 5);
  });
  expect(expected.filter((nll) => nll > 0)).toHaveLength(2 + 4);
});

it('a place has one name, and hooks the order of the computation', () => {
  expect(hookOf({ layer: 3, site: 'resid_pre' })).toEqual({ layer: 2, site: 'resid_post' });
  expect(hookOf({ layer: 0, site: 'resid_pre' })).toEqual({ layer: 0, site: 'resid_pre' });
  const given = [
    2,
    { layer: 2, site: 'mlp_out' },
    { layer: 3, site: 'resid_pre' },
    { layer: 0, site: 'attn_z' },
  ] as const;
  expect(orderedHooks(given).map(hookName)).toEqual(['attn_z:0', 'mlp_out:2', 'resid_post:2']);
});

it('refuses a place that a family does not have, and a block that a model does not have', async () => {
  const open = async (folder: string, hook: Hook) =>
    openLanguageModel(await openCheckpoint(`${fixtures}${folder}`), { hooks: [hook] });
  const beside = open('gpt_neox', { layer: 1, site: 'resid_mid' });
  await expect(beside).rejects.toThrow(UserError);
  await expect(beside).rejects.toThrow(
    /hook resid_mid:1: found a model of the family gpt_neox.*attn_z, attn_out, mlp_in, mlp_out, resid_post/,
  );
  await expect(open('llama', { layer: 2, site: 'mlp_out' })).rejects.toThrow(/found mlp_out:2/);
});

it.each([
  ['gemma4-small', [1, { layer: 3, site: 'mlp_out' }]],
  // Of which more travels to the head as well.
  ['gemma3n', [1, { layer: 3, site: 'mlp_out' }, 4]],
] as const)(
  'a branch that changes nothing ends as the model does where more than the residual travels: %s',
  async (folder, hooks) => {
    const batch = batchOf(golden.folders[folder]!.ids);
    const model = await openLanguageModel(await openCheckpoint(`${fixtures}${folder}`), {
      hooks,
      divergence: true,
    });
    let clean = new Float32Array();
    const ended: { nll: Float32Array; kl?: Float32Array }[] = [];
    const observer: Observer = {
      divergence: true,
      see: async ({ residual }) => [{ residual: residual.slice(), ended: (ending) => ended.push(ending) }],
      clean(_index, _batch, nll) {
        clean = nll.slice();
      },
    };
    await sweep(model, [batch], [observer], { reporter });
    await model.close();
    expect(ended).toHaveLength(hooks.length);
    for (const { nll, kl } of ended) {
      for (const [i, each] of nll.entries()) expect(each).toBeCloseTo(clean[i]!, 4);
      expect(Math.max(...kl!.map(Math.abs))).toBeLessThan(1e-4);
    }
  },
);
