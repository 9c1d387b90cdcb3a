/** What passes between the host and the runtime while text goes through a language model. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { partsOf } from '../../../runner/lm/parts.ts';
import { placementOf } from '../../../runner/lm/placement.ts';
import { sweep } from '../../../runner/lm/sweep.ts';
import { traffic, trafficSince } from '../../../runner/onnx/traffic.ts';

const folder = fileURLToPath(new URL('../../fixtures/lm/gemma3', import.meta.url));
const silent = { progress: () => undefined, note: () => undefined, stopRequested: () => false };
const tokens = 8;
const ids = Int32Array.from({ length: 2 * tokens }, (_, i) => (i * 7 + 1) % 101);
const batch = { ids, rows: 2, tokens };

it('activations of every hook come to the host once, and nothing but token ids goes there', async () => {
  const model = await openLanguageModel(await openCheckpoint(folder), { hooks: [0, 1, 2, 3] });
  const residual = 4 * 2 * tokens * model.dModel;
  const before = traffic();
  await model.residuals(batch);
  const { given, taken } = trafficSince(before);
  expect(given).toEqual({ tensors: 1, bytes: 4 * 2 * tokens });
  expect(taken).toEqual({ tensors: 4, bytes: 4 * residual });
  await model.close();
});

it('what goes on beside the text goes to the runtime once, and comes back as losses alone', async () => {
  const model = await openLanguageModel(await openCheckpoint(folder), { hooks: [0, 1, 2, 3] });
  const residual = 4 * 2 * tokens * model.dModel;
  const losses = 4 * 2 * tokens;
  const ended: Float32Array[] = [];
  const before = traffic();
  await sweep(
    model,
    [batch],
    [
      {
        see: async ({ hook, residual }) =>
          hook === 0
            ? [{ residual: residual.map((x) => x / 2), ended: ({ nll }) => void ended.push(nll) }]
            : [],
      },
    ],
    { reporter: silent },
  );
  const { given, taken } = trafficSince(before);
  expect(ended).toHaveLength(1);
  // Ids, the branch, and its targets.
  expect(given).toEqual({ tensors: 3, bytes: losses + residual + losses });
  // Four hooks, and the losses of the branch.
  expect(taken).toEqual({ tensors: 5, bytes: 4 * residual + losses });
  await model.close();
});

it('a released residual is not asked for again: after a sweep nothing is left but what came last', async () => {
  const model = await openLanguageModel(await openCheckpoint(folder), { hooks: [1] });
  const first = await model.advance(0, null, batch);
  const again = await model.advance(0, null, batch);
  expect(again).toEqual(first);
  // The first lies in the host’s array alone by now, and is given from there; the second where it was computed.
  const before = traffic();
  expect(await model.finish(first, batch)).toEqual(await model.finish(again, batch));
  expect(trafficSince(before).given.tensors).toBe(3);
  await model.close();
});

it('for activations alone nothing behind the last hook is loaded', async () => {
  const checkpoint = await openCheckpoint(fileURLToPath(new URL('../../fixtures/lm/llama', import.meta.url)));
  const head = 'lm_head.weight';
  const tensors = new Map(checkpoint.tensors);
  tensors.set(head, { ...tensors.get(head)!, file: 'gone.safetensors' });
  const without = { ...checkpoint, tensors };
  await expect(openLanguageModel(without, { hooks: [0] })).rejects.toThrow(/gone/);
  const model = await openLanguageModel(without, { hooks: [0], activationsOnly: true });
  const whole = await openLanguageModel(checkpoint, { hooks: [0] });
  expect(await model.residuals(batch)).toEqual(await whole.residuals(batch));
  const placed = (activationsOnly: boolean) =>
    placementOf(partsOf(checkpoint, familyOf(checkpoint)), { hooks: [0], devices: ['cpu'], activationsOnly });
  expect(placed(true).held.all).toBeLessThan(placed(false).held.all / 2);
  await model.close();
  await whole.close();
});

it('activations of every hook can stay where they are, and nothing of them comes to the host but a sum', async () => {
  const checkpoint = await openCheckpoint(folder);
  // Of the hook inside a block its own tensor, of which the residual beside it is no part.
  const hooks = [0, { layer: 1, site: 'attn_z' as const }, 2];
  const model = await openLanguageModel(checkpoint, { hooks });
  const before = traffic();
  const held = await model.heldResiduals(batch);
  const { given, taken } = trafficSince(before);
  expect(given).toEqual({ tensors: 1, bytes: 4 * 2 * tokens });
  expect(taken).toEqual({ tensors: 3, bytes: 3 * 4 });
  const found = [];
  for (const tensor of held) found.push((await tensor.read()).data);
  expect(found).toEqual(await model.residuals(batch));
  // They are the caller's: another pass leaves them, and the model's end takes them along.
  const more = await model.heldResiduals(batch);
  held[0]!.dispose();
  expect((await held[1]!.read()).data).toEqual(found[1]);
  await model.close();
  expect([...held, ...more].every(({ released }) => released)).toBe(true);
  const memory = Math.max(...model.segments.map(({ bytes }) => bytes));
  const turns = await openLanguageModel(checkpoint, { hooks, memory });
  await expect(turns.heldResiduals(batch)).rejects.toThrow('not resident');
  await turns.close();
});
