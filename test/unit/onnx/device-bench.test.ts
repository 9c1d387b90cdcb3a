import { expect, it } from 'vitest';
import { measure, tableOf } from '../../bench/device.ts';

it('the benchmark of a device says what passes between it and the host, and leaves out what does not fit', async () => {
  const said: string[] = [];
  const lines = await measure(
    {
      device: 'cpu',
      precision: 'auto',
      seconds: 0,
      size: {
        model: {
          width: 16,
          inner: 24,
          blocks: 2,
          heads: 2,
          kvHeads: 1,
          vocabulary: 50,
          context: 32,
          type: 'F32',
        },
        rows: 2,
        tokens: 8,
        saes: [
          [8, 64, 4, 16],
          [1_000_000, 1_000_000, 4, 16],
        ],
      },
    },
    (line) => said.push(line),
  );
  expect(said[0]).toBe('cpu, the language model in float32');
  expect(said[1]).toMatch(/^training step 1000000\/1000000\/4, 16 tokens: left out, /);
  expect(lines).toHaveLength(5);
  const [prefix, losses, , , step] = lines;
  const ids = 4 * 16;
  const residual = 4 * 16 * 16;
  expect(prefix).toMatchObject({ given: ids, taken: residual, theirs: null, tokens: 16 });
  // Ids and targets there; the hook’s activations and the losses back.
  expect(losses).toMatchObject({ given: 2 * ids, taken: residual + ids });
  // The activations, step size and root correction, whether AuxK is on and how many it keeps.
  expect(step).toMatchObject({ given: 4 * 16 * 8 + 4 + 4 + 1 + 8 });
  const table = tableOf(lines).split('\n');
  expect(table[0]).toMatch(/ms +tokens\/s +to the device +back +PyTorch ms +ratio$/);
  expect(table).toHaveLength(6);
});
