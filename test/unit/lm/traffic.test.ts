/** What passes between the host and the runtime while text goes through a language model. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
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
